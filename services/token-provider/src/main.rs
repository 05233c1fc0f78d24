//! The token provider. `token-provider keygen [RS256 | ES256]` prints a new signing key in the form that the secret store
//! takes, `token-provider openapi` the contract; without an argument it serves.

use std::time::Duration;

use server::{Background, Service};
use sidecar::Sidecar;
use token_provider::domain::keys::{self, KeyAlgorithm};
use token_provider::keyring::{self, Keyring};
use token_provider::{AppState, Lifetimes, clients, retention, schedule_from_env};

/// How soon a new key of the secret store is published, and a turn that has come is taken.
const KEYS_REFRESH: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_hours(1);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["keygen"] => println!("{}", keys::generate(KeyAlgorithm::Rs256)?),
        ["keygen", algorithm] => println!("{}", keys::generate(algorithm.parse()?)?),
        ["openapi"] => println!("{}", token_provider::openapi()?),
        [] => serve().await?,
        _ => anyhow::bail!("usage: token-provider [keygen [RS256 | ES256] | openapi]"),
    }
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let listener = server::listen().await?;
    let lifetimes = Lifetimes::from_env()?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let secret = keyring::secret(&sidecar).await?;
    let keys = Keyring::open(pool.clone(), schedule_from_env()?, &secret).await?;
    let background = Background::default();
    let (ring, at) = (keys.clone(), sidecar.clone());
    background.every(KEYS_REFRESH, "signing keys", move || {
        let (ring, at) = (ring.clone(), at.clone());
        async move { ring.follow(&at).await }
    });
    let old = pool.clone();
    background.every(RETENTION, "retention", move || {
        retention::forget_ended(old.clone())
    });
    let app = AppState::new(pool.clone(), keys, clients::secrets(&sidecar).await?, lifetimes);
    let service = Service {
        router: token_provider::app(app),
        pool: Some(pool),
        sidecar,
        background,
    };
    server::run(listener, service).await
}
