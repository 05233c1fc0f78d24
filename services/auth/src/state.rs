//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use outbox::Relay;
use seal::Key;
use sidecar::Sidecar;
use sqlx::PgPool;

use crate::config::Config;
use crate::hashing::Hashing;
use crate::token_provider::TokenProvider;

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) sidecar: Sidecar,
    pub(crate) identity: Identity,
    pub(crate) token_provider: TokenProvider,
    pub(crate) hashing: Hashing,
    /// Seals refresh tokens and the secrets of authenticator apps.
    pub(crate) sealing: Key,
    pub(crate) relay: Relay,
    pub(crate) config: Config,
}

impl AppState {
    pub fn new(
        pool: PgPool,
        sidecar: Sidecar,
        identity: Identity,
        relay: Relay,
        sealing: Key,
        config: Config,
    ) -> anyhow::Result<Self> {
        let token_provider = TokenProvider::new(sidecar.clone(), identity.clone());
        Ok(Self {
            pool,
            sidecar,
            identity,
            token_provider,
            hashing: Hashing::new()?,
            sealing,
            relay,
            config,
        })
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
