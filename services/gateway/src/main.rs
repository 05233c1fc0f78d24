//! The gateway. `gateway openapi` and `gateway events-schema TOPIC` print its contract; without an argument it serves.

use std::time::Duration;

use gateway::config::Config;
use gateway::{APP_ID, AppState, Pepper};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

const FORGET_QUIET: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", gateway::openapi::document()?),
        ["events-schema", topic] => println!("{}", gateway::events_schema(topic)?),
        [] => serve().await?,
        _ => anyhow::bail!("usage: gateway [openapi | events-schema TOPIC]"),
    }
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let config = Config::from_env()?;
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let pepper = Pepper::parse(&sidecar.secret_value("session-pepper").await?)?;
    let app = AppState::new(sidecar.clone(), identity, pepper, config);
    let background = Background::default();
    app.watch_for_stop(&background);
    let quiet = app.clone();
    background.every(FORGET_QUIET, "forgetting the quiet", move || {
        quiet.forget_quiet();
        std::future::ready(anyhow::Ok(()))
    });
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
