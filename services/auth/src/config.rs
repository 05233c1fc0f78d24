//! What the environment may set.

use anyhow::Context;
use chrono::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How long a browser's login lasts at most.
    pub session_ttl: Duration,
    /// How long any other client's login lasts at most.
    pub native_session_ttl: Duration,
    /// How long a session may lie unused.
    pub session_idle: Duration,
    /// Whether only verified addresses may log in.
    pub require_verified_email: bool,
    /// Multiplies every rate limit; for load tests.
    pub rate_limit_factor: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session_ttl: Duration::hours(8),
            native_session_ttl: Duration::days(30),
            session_idle: Duration::hours(1),
            require_verified_email: false,
            rate_limit_factor: 1,
        }
    }
}

impl Config {
    /// `SESSION_TTL_S` (8 hours), `NATIVE_SESSION_TTL_S` (30 days), `SESSION_IDLE_S` (an hour), `REQUIRE_VERIFIED_EMAIL`
    /// (`false`), `RATE_LIMIT_FACTOR` (1).
    pub fn from_env() -> anyhow::Result<Self> {
        let defaults = Self::default();
        Ok(Self {
            session_ttl: seconds("SESSION_TTL_S", defaults.session_ttl)?,
            native_session_ttl: seconds("NATIVE_SESSION_TTL_S", defaults.native_session_ttl)?,
            session_idle: seconds("SESSION_IDLE_S", defaults.session_idle)?,
            require_verified_email: parsed("REQUIRE_VERIFIED_EMAIL")?
                .unwrap_or(defaults.require_verified_email),
            rate_limit_factor: parsed("RATE_LIMIT_FACTOR")?.unwrap_or(defaults.rate_limit_factor),
        })
    }
}

fn seconds(name: &str, default: Duration) -> anyhow::Result<Duration> {
    Ok(parsed(name)?.map_or(default, Duration::seconds))
}

fn parsed<T>(name: &str) -> anyhow::Result<Option<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    match std::env::var(name) {
        Ok(value) => value
            .parse()
            .map(Some)
            .with_context(|| format!("{name} has the wrong form")),
        Err(_) => Ok(None),
    }
}
