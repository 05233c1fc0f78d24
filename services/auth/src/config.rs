//! What the environment may set.

use anyhow::Context;
use chrono::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How long a login lasts at most.
    pub session_ttl: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session_ttl: Duration::hours(8),
        }
    }
}

impl Config {
    /// `SESSION_TTL_S`; 8 hours by default.
    pub fn from_env() -> anyhow::Result<Self> {
        let mut config = Self::default();
        if let Ok(seconds) = std::env::var("SESSION_TTL_S") {
            config.session_ttl = Duration::seconds(seconds.parse().context("SESSION_TTL_S is no number")?);
        }
        Ok(config)
    }
}
