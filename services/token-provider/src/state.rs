//! What every handler can reach.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRef;
use chrono::Duration;
use identity::Identity;
use sqlx::PgPool;

use crate::APP_ID;
use crate::domain::keys::Keys;

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) keys: Arc<Keys>,
    /// Client secrets by app-id.
    pub(crate) clients: Arc<HashMap<String, String>>,
    pub(crate) lifetimes: Lifetimes,
    identity: Identity,
}

/// How long each kind of token is good.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub access: Duration,
    pub refresh: Duration,
    pub service: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access: Duration::minutes(10),
            refresh: Duration::days(30),
            service: Duration::minutes(5),
        }
    }
}

impl Lifetimes {
    /// `ACCESS_TOKEN_TTL_S` shortens or lengthens access tokens; 10 minutes by default.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut lifetimes = Self::default();
        if let Ok(seconds) = std::env::var("ACCESS_TOKEN_TTL_S") {
            lifetimes.access = Duration::seconds(seconds.parse()?);
        }
        Ok(lifetimes)
    }
}

impl AppState {
    pub fn new(pool: PgPool, keys: Keys, clients: HashMap<String, String>, lifetimes: Lifetimes) -> Self {
        // Its own tokens are verified like everybody's, only that the keys are at hand.
        let identity = Identity::with_keys(APP_ID, keys.public().clone());
        Self {
            pool,
            keys: Arc::new(keys),
            clients: Arc::new(clients),
            lifetimes,
            identity,
        }
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
