//! The account service. `account openapi` prints its contract, `account verify` checks the books; without an argument it
//! serves.

use std::{process::ExitCode, time::Duration};

use account::AppState;
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("openapi") => println!("{}", account::openapi()?),
        Some("verify") => return account::verify::command(&arguments[1..]).await,
        _ => serve().await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), "account").await?;
    let router = account::app(AppState::new(pool.clone(), identity));
    let background = Background::default();
    let sealed = pool.clone();
    background.every(Duration::from_secs(1), "sealing the ledger", move || {
        let pool = sealed.clone();
        async move { account::sealer::seal_waiting(&pool).await }
    });
    server::run(
        listener,
        Service {
            router,
            pool: Some(pool),
            sidecar,
            background,
        },
    )
    .await
}
