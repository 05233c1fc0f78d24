//! The activity service. `activity openapi` prints its contract, `activity verify` checks the audit log; without an argument
//! it serves.

use std::process::ExitCode;

use activity::auditor::Auditor;
use activity::config::Config;
use activity::live::Live;
use activity::sealer::Sealer;
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
    let auditor = Auditor::new(pool.clone(), sidecar.clone(), identity.clone(), &config)?;
    let background = Background::default();
    auditor.work(&background, config.audit_period);
    let live = Live::default();
    live.work(&background, pool.clone());
    let router = activity::app(AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
        live,
    });
    Sealer::new(pool.clone()).work(&background);
    let feed = pool.clone();
    background.every(
        activity::retention::PERIOD,
        "forgetting old lines of feeds",
        move || activity::retention::forget_old_lines(feed.clone(), config.feed_retention_days),
    );
    let inbox = pool.clone();
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
