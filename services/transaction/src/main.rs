//! The transaction service. `transaction openapi` and `transaction events-schema TOPIC` print its contract, `transaction
//! publish-again SINCE [UNTIL]` gives the broker events again that it has lost; without an argument it serves.

use chrono::Utc;
use identity::Identity;
use outbox::Relay;
use server::{Background, Service};
use sidecar::Sidecar;
use transaction::{AppState, config::Config, expiry, recovery, retention, schedules};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", transaction::openapi()?),
        ["events-schema", topic] => println!("{}", transaction::events_schema(topic)?),
        ["publish-again", ref times @ ..] => outbox::command(times).await?,
        [] => serve().await?,
        _ => {
            anyhow::bail!("usage: transaction [openapi | events-schema TOPIC | publish-again SINCE [UNTIL]]")
        }
    }
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), "transaction").await?;
    let (relay, relay_worker) = Relay::new(pool.clone(), sidecar.clone(), "transaction");
    let app = AppState::new(pool.clone(), sidecar.clone(), identity, relay.clone(), config);

    let background = Background::default();
    relay_worker.start(&background);
    background.spawn(|stop| recovery::run(pool.clone(), app.settler.clone(), stop));
    let of_schedules = app.clone();
    background.every(schedules::PERIOD, "payment of schedules", move || {
        let app = of_schedules.clone();
        async move { schedules::pay_due(&app, Utc::now()).await.map(drop) }
    });
    expiry::start(&background, pool.clone(), app.settler.clone(), relay);
    retention::start(&background, pool.clone())?;
    server::run(
        listener,
        Service {
            router: transaction::app(app),
            pool: Some(pool),
            sidecar,
            background,
        },
    )
    .await
}
