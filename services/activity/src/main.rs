//! The activity service. `activity openapi` prints its contract; without an argument it serves.

use std::sync::Arc;
use std::time::Duration;

use activity::auditor::{self, Auditor};
use activity::config::Config;
use activity::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;
use sqlx::PgPool;
use tokio::sync::Mutex;

/// How often noted entries are added up.
const FOLD_PERIOD: Duration = Duration::from_secs(1);

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
    audit(&background, pool.clone(), auditor, config.audit_period);
    let router = activity::app(AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
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

fn audit(background: &Background, pool: PgPool, auditor: Auditor, period: Duration) {
    let auditor = Arc::new(Mutex::new(auditor));
    background.every(FOLD_PERIOD, "adding up what events tell of accounts", move || {
        let pool = pool.clone();
        async move { auditor::fold(&pool).await }
    });
    background.every(period, "comparing the ledger with its events", move || {
        let auditor = auditor.clone();
        async move { auditor.lock().await.round().await }
    });
}
