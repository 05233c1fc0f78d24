//! What the environment has to say.

use anyhow::{Context, bail, ensure};

use crate::domain::network::{Proxies, ProxyHeader};

#[derive(Clone, Debug)]
pub struct Config {
    /// The origin of our own pages, `https://pay.example`: no other may send unsafe requests with a cookie.
    pub public_origin: String,
    pub proxies: Proxies,
    /// Multiplies every rate limit; for load tests.
    pub rate_limit_factor: u32,
    /// Of the services, for Dapr: with it, an app-id is a full name.
    pub namespace: String,
}

impl Config {
    /// Reads `PUBLIC_ORIGIN`; `TRUSTED_PROXIES`, networks as `10.0.0.0/8,fd00::/8`, none by default; `PROXY_HEADER`, in which
    /// they name the client, `x-forwarded-for` (the default) or `forwarded`; `RATE_LIMIT_FACTOR`, 1 by default;
    /// `DAPR_NAMESPACE`, `default` by default, as Dapr has it outside of Kubernetes.
    pub fn from_env() -> anyhow::Result<Self> {
        let public_origin = std::env::var("PUBLIC_ORIGIN").context("PUBLIC_ORIGIN is missing")?;
        ensure!(
            !public_origin.ends_with('/'),
            "PUBLIC_ORIGIN is an origin, without a slash at its end"
        );
        let networks = std::env::var("TRUSTED_PROXIES").unwrap_or_default();
        let networks = networks.split(',').map(str::trim).filter(|text| !text.is_empty());
        let proxies = Proxies {
            networks: networks
                .map(str::parse)
                .collect::<Result<_, _>>()
                .context("TRUSTED_PROXIES is no list of networks")?,
            header: match std::env::var("PROXY_HEADER").as_deref() {
                Err(_) | Ok("x-forwarded-for") => ProxyHeader::XForwardedFor,
                Ok("forwarded") => ProxyHeader::Forwarded,
                Ok(other) => bail!("PROXY_HEADER is neither x-forwarded-for nor forwarded, but {other}"),
            },
        };
        let rate_limit_factor = match std::env::var("RATE_LIMIT_FACTOR") {
            Ok(factor) => factor.parse().context("RATE_LIMIT_FACTOR is no number")?,
            Err(_) => 1,
        };
        ensure!(rate_limit_factor > 0, "RATE_LIMIT_FACTOR is zero");
        Ok(Self {
            public_origin,
            proxies,
            rate_limit_factor,
            namespace: std::env::var("DAPR_NAMESPACE").unwrap_or_else(|_| "default".to_owned()),
        })
    }
}
