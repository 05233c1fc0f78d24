//! The account service. `account openapi` prints its contract; without an argument it serves.

use account::AppState;
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        println!("{}", account::openapi()?);
        return Ok(());
    }
    telemetry::init();
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), "account").await?;
    let router = account::app(AppState::new(pool.clone(), identity));
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
