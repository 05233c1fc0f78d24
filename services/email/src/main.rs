//! The email service. `email openapi` prints its contract, `email dead-letters` shows and replays events that had
//! no effect; without an argument it serves.

use email::config::Config;
use email::{APP_ID, AppState};
use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", email::openapi()?),
        ["dead-letters", ref command @ ..] => inbox::command(command).await?,
        [] => serve().await?,
        _ => anyhow::bail!("usage: email [openapi | dead-letters …]"),
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
    let state = AppState::new(pool.clone(), sidecar.clone(), identity, config.public_origin)?;
    let background = Background::default();
    email::work(&state, config.mail_rate_per_s, &background);
    server::run(
        listener,
        Service {
            router: email::app(state),
            pool: Some(pool),
            sidecar,
            background,
        },
    )
    .await
}
