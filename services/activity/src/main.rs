//! The activity service. `activity openapi` prints its contract, `activity verify` checks the audit log, `activity
//! dead-letters` shows and replays events that had no effect; without an argument it serves.

use std::process::ExitCode;

use activity::config::Config;
use activity::live::Live;
use activity::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", activity::openapi()?),
        ["verify", ..] => return activity::verify::command(&arguments[1..]).await,
        ["dead-letters", ref command @ ..] => inbox::command(command).await?,
        [] => serve().await?,
        _ => anyhow::bail!("usage: activity [openapi | verify … | dead-letters …]"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(sqlx::migrate!()).await?;
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
