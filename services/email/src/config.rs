//! What the environment says.

use std::num::NonZeroU32;

use anyhow::Context;

pub struct Config {
    /// Where the links and examples of mails point.
    pub public_origin: String,
    /// How many mails a replica sends in a second at most.
    pub mail_rate_per_s: NonZeroU32,
}

impl Config {
    pub fn from_env() -> anyhow::Result<Self> {
        let rate = std::env::var("MAIL_RATE_PER_S").unwrap_or_else(|_| "20".to_owned());
        Ok(Self {
            public_origin: std::env::var("PUBLIC_ORIGIN").context("PUBLIC_ORIGIN is missing")?,
            mail_rate_per_s: rate.parse().context("MAIL_RATE_PER_S is no number above 0")?,
        })
    }
}
