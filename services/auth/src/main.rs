//! The auth service. `auth openapi` and `auth events-schema TOPIC` print its contract, `auth admin grant USERNAME [ROLE]` gives
//! somebody a role, `admin` if none is named, `auth publish-again SINCE [UNTIL]` gives the broker events again that it has lost;
//! without an argument it serves.

use std::time::Duration;

use auth::config::Config;
use auth::{APP_ID, AppState, admin, retention};
use identity::Identity;
use outbox::Relay;
use seal::Key;
use server::{Background, Service};
use sidecar::Sidecar;

const RETENTION: Duration = Duration::from_hours(1);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", auth::openapi()?),
        ["events-schema", topic] => println!("{}", auth::events_schema(topic)?),
        ["admin", "grant", username] => admin::grant(username, "admin").await?,
        ["admin", "grant", username, role] => admin::grant(username, role).await?,
        ["publish-again", ref times @ ..] => outbox::command(times).await?,
        [] => serve().await?,
        _ => anyhow::bail!(
            "usage: auth [openapi | events-schema TOPIC | admin grant USERNAME [ROLE] | publish-again SINCE [UNTIL]]"
        ),
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
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let (relay, relay_worker) = Relay::new(pool.clone(), sidecar.clone(), APP_ID);
    let background = Background::default();
    relay_worker.start(&background);
    let old = pool.clone();
    background.every(RETENTION, "retention", move || retention::forget_old(old.clone()));
    let sealing = Key::parse(&sidecar.secret_value("auth-sealing-key").await?)?;
    let app = AppState::new(pool.clone(), sidecar.clone(), identity, relay, sealing, config)?;
    server::run(
        listener,
        Service {
            router: auth::app(app),
            pool: Some(pool),
            sidecar,
            background,
        },
    )
    .await
}
