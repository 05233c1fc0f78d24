//! The activity service. `activity openapi` prints its contract, `activity verify` checks the audit log; without an argument
//! it serves.

use std::process::ExitCode;

use activity::config::Config;
use activity::live::Live;
use activity::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("openapi") => println!("{}", activity::openapi()?),
        Some("verify") => return activity::verify::command(&arguments[1..]).await,
        _ => serve().await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let app = AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
        live: Live::default(),
    };
    let background = Background::default();
    activity::work::start(&background, &app, config)?;
    server::run(
        listener,
        Service {
            router: activity::app(app),
            pool: Some(pool),
            sidecar,
            background,
        },
    )
    .await
}
