//! What every handler can reach.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::extract::FromRef;
use chrono::Duration;
use identity::Identity;
use sqlx::PgPool;

use crate::domain::keys::KeyAlgorithm;
use crate::domain::rotation::Schedule;
use crate::keyring::Keyring;

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) keys: Keyring,
    /// Client secrets by app-id.
    pub(crate) clients: Arc<HashMap<String, String>>,
    pub(crate) lifetimes: Lifetimes,
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

/// The gateway remembers for so long which sessions have ended; an access token must not outlive that.
const LONGEST_ACCESS: Duration = Duration::hours(1);

impl Lifetimes {
    /// `ACCESS_TOKEN_TTL_S` shortens or lengthens access tokens; 10 minutes by default, an hour at most.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut lifetimes = Self::default();
        if let Ok(seconds) = std::env::var("ACCESS_TOKEN_TTL_S") {
            lifetimes.access = Duration::seconds(seconds.parse().context("ACCESS_TOKEN_TTL_S is no number")?);
            ensure!(
                lifetimes.access <= LONGEST_ACCESS,
                "ACCESS_TOKEN_TTL_S is more than an hour"
            );
        }
        Ok(lifetimes)
    }
}

/// `KEY_ROTATION_DAYS`, 90 by default, and `SIGNING_ALGORITHM`, RS256 by default.
pub fn schedule_from_env() -> anyhow::Result<Schedule> {
    let mut schedule = Schedule {
        period: Duration::days(90),
        algorithm: KeyAlgorithm::Rs256,
    };
    if let Ok(days) = std::env::var("KEY_ROTATION_DAYS") {
        schedule.period = Duration::days(days.parse().context("KEY_ROTATION_DAYS is no number")?);
    }
    if let Ok(name) = std::env::var("SIGNING_ALGORITHM") {
        schedule.algorithm = name.parse().context("SIGNING_ALGORITHM")?;
    }
    Ok(schedule)
}

impl AppState {
    pub fn new(pool: PgPool, keys: Keyring, clients: HashMap<String, String>, lifetimes: Lifetimes) -> Self {
        Self {
            pool,
            keys,
            clients: Arc::new(clients),
            lifetimes,
        }
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.keys.identity().clone()
    }
}
