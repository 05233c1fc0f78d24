//! The account service. `account openapi` and `account events-schema TOPIC` print its contract, `account verify` checks the
//! books, `account publish-again SINCE [UNTIL]` gives the broker events again that it has lost; without an argument it serves.

use std::{process::ExitCode, time::Duration};

use account::AppState;
use identity::Identity;
use outbox::Relay;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", account::openapi()?),
        ["events-schema", topic] => println!("{}", account::events_schema(topic)?),
        ["verify", ..] => return account::verify::command(&arguments[1..]).await,
        ["publish-again", ref times @ ..] => outbox::command(times).await?,
        [] => serve().await?,
        _ => anyhow::bail!(
            "usage: account [openapi | events-schema TOPIC | verify … | publish-again SINCE [UNTIL]]"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), "account").await?;
    let (relay, relay_worker) = Relay::new(pool.clone(), sidecar.clone(), "account");
    let router = account::app(AppState::new(pool.clone(), identity));
    let background = Background::default();
    relay_worker.start(&background);
    account::statements::start(&background, pool.clone(), relay);
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
