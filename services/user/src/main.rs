//! The user service. `user openapi` prints its contract, `user dead-letters` shows and replays events that had
//! no effect; without an argument it serves.

use identity::Identity;
use server::{Background, Service};
use sidecar::Sidecar;
use user::{APP_ID, AppState};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["openapi"] => println!("{}", user::openapi()?),
        ["dead-letters", ref command @ ..] => inbox::command(command).await?,
        [] => serve().await?,
        _ => anyhow::bail!("usage: user [openapi | dead-letters …]"),
    }
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let listener = server::listen().await?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let identity = Identity::from_sidecar(sidecar.clone(), APP_ID).await?;
    let app = AppState {
        pool: pool.clone(),
        sidecar: sidecar.clone(),
        identity,
    };
    let background = Background::default();
    app.inbox().work(&background);
    let router = user::app(app);
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
