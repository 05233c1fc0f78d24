//! The email service. `email openapi` prints its contract; without an argument it serves.

use anyhow::Context;
use email::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        println!("{}", email::openapi()?);
        return Ok(());
    }
    serve().await
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let public_origin = std::env::var("PUBLIC_ORIGIN").context("PUBLIC_ORIGIN is missing")?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let router = email::app(AppState::new(
        pool.clone(),
        sidecar.clone(),
        identity,
        public_origin,
    )?);
    server::run(
        listener,
        Service {
            router,
            pool: Some(pool),
            sidecar,
            background: Background::default(),
        },
    )
    .await
}
