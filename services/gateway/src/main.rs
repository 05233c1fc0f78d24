//! The gateway. `gateway openapi` prints its contract; without an argument it serves.

use anyhow::Context;
use gateway::config::Config;
use gateway::{APP_ID, AppState, Pepper};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        println!("{}", gateway::openapi::document()?);
        return Ok(());
    }
    serve().await
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let secret = sidecar.secret("session-pepper").await?;
    let pepper = Pepper::parse(
        secret
            .get("value")
            .context("the secret session-pepper has no value")?,
    )?;
    let app = AppState::new(sidecar.clone(), identity, pepper, config);
    let background = Background::default();
    server::run(
        listener,
        Service {
            router: gateway::app(app),
            pool: None,
            sidecar,
            background,
        },
    )
    .await
}
