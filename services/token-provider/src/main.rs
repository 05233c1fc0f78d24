//! The token provider. `token-provider keygen` prints a new signing key in the form that the secret store takes,
//! `token-provider openapi` the contract; without an argument it serves.

use std::collections::HashMap;

use anyhow::Context;
use server::{Background, Service};
use sidecar::Sidecar;
use token_provider::domain::{grants::GRANTS, keys};
use token_provider::{AppState, Lifetimes};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("keygen") => println!("{}", keys::generate()?),
        Some("openapi") => println!("{}", token_provider::openapi()?),
        _ => serve().await?,
    }
    Ok(())
}

async fn serve() -> anyhow::Result<()> {
    telemetry::init();
    let listener = server::listen().await?;
    let lifetimes = Lifetimes::from_env()?;
    let sidecar = Sidecar::from_env()?;
    let pool = server::database(&sqlx::migrate!()).await?;
    sidecar.wait().await?;
    let keys = keys::Keys::parse(&sidecar.secret("token-signing-keys").await?)?;
    let app = AppState::new(pool.clone(), keys, client_secrets(&sidecar).await?, lifetimes);
    let service = Service {
        router: token_provider::app(app),
        pool: Some(pool),
        sidecar,
        background: Background::default(),
    };
    server::run(listener, service).await
}

/// The secret of every service that is granted anything.
async fn client_secrets(sidecar: &Sidecar) -> anyhow::Result<HashMap<String, String>> {
    let mut secrets = HashMap::new();
    for caller in GRANTS.iter().map(|grant| grant.caller) {
        let mut secret = sidecar.secret(&format!("client-secret-{caller}")).await?;
        let value = secret.remove("value").filter(|value| !value.is_empty());
        secrets.insert(
            caller.to_owned(),
            value.with_context(|| format!("{caller} has no client secret"))?,
        );
    }
    Ok(secrets)
}
