//! The activity service. `activity openapi` prints its contract; without an argument it serves.

use activity::auditor::Auditor;
use activity::config::Config;
use activity::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        println!("{}", activity::openapi()?);
        return Ok(());
    }
    serve().await
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let auditor = Auditor::new(pool.clone(), sidecar.clone(), identity.clone(), &config)?;
    let background = Background::default();
    auditor.work(&background, config.audit_period);
    let router = activity::app(AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
    });
    let (background, inbox) = (Background::default(), pool.clone());
    background.every(outbox::FORGET_PERIOD, "forgetting old deliveries", move || {
        outbox::forget_old(inbox.clone())
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
