//! What the environment decides.

use anyhow::bail;

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Users may top up their own accounts from nowhere.
    pub sandbox_top_up: bool,
}

impl Config {
    /// Reads `SANDBOX_TOP_UP`: `true`, or `false` which is the default.
    pub fn from_env() -> anyhow::Result<Self> {
        let sandbox_top_up = match std::env::var("SANDBOX_TOP_UP").as_deref() {
            Ok("true") => true,
            Ok("false") | Err(_) => false,
            Ok(other) => bail!("SANDBOX_TOP_UP has to be true or false, not {other:?}"),
        };
        Ok(Self { sandbox_top_up })
    }
}
