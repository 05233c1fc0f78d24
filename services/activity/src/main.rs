//! The activity service. `activity openapi` prints its contract, `activity dead-letters` shows and replays events
//! that had no effect; without an argument it serves.

use activity::auditor::Auditor;
use activity::config::Config;
use activity::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", activity::openapi()?),
        ["dead-letters", ref command @ ..] => inbox::command(command).await?,
        [] => serve().await?,
        _ => anyhow::bail!("usage: activity [openapi | dead-letters …]"),
    }
    Ok(())
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
    let app = AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
    };
    app.inbox().work(&background);
    let router = activity::app(app);
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
