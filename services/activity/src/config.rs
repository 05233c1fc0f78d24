//! What the environment decides.

use std::time::Duration;

use anyhow::Context;

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How often the auditor compares accounts with the ledger.
    pub audit_period: Duration,
    /// How long events may be on their way before the auditor says that they are missing.
    pub audit_grace: Duration,
    /// How long feeds keep their lines.
    pub feed_retention_days: u32,
}

impl Config {
    /// Reads `AUDIT_PERIOD_S` (10 by default) and `AUDIT_GRACE_S` (60), in whole seconds, and
    /// `FEED_RETENTION_DAYS` (400).
    pub fn from_env() -> anyhow::Result<Self> {
        let audit_period = seconds("AUDIT_PERIOD_S", 10)?;
        anyhow::ensure!(!audit_period.is_zero(), "AUDIT_PERIOD_S has to be at least 1");
        Ok(Self {
            audit_period,
            audit_grace: seconds("AUDIT_GRACE_S", 60)?,
            feed_retention_days: whole("FEED_RETENTION_DAYS", 400)?,
        })
    }
}

fn seconds(name: &str, default: u32) -> anyhow::Result<Duration> {
    Ok(Duration::from_secs(whole(name, default)?.into()))
}

fn whole(name: &str, default: u32) -> anyhow::Result<u32> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is no whole number")),
        Err(_) => Ok(default),
    }
}
