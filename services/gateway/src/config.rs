//! What the environment has to say.

use anyhow::{Context, ensure};

#[derive(Clone, Debug)]
pub struct Config {
    /// The origin of our own pages, `https://pay.example`: no other may send unsafe requests with a cookie.
    pub public_origin: String,
}

impl Config {
    /// Reads `PUBLIC_ORIGIN`.
    pub fn from_env() -> anyhow::Result<Self> {
        let public_origin = std::env::var("PUBLIC_ORIGIN").context("PUBLIC_ORIGIN is missing")?;
        ensure!(
            !public_origin.ends_with('/'),
            "PUBLIC_ORIGIN is an origin, without a slash at its end"
        );
        Ok(Self { public_origin })
    }
}
