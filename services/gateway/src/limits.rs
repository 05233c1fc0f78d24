//! How much one network, and all together, may ask of this replica. It keeps floods away from everything behind it; what
//! is counted for each account, and for all replicas together, is counted by Auth.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use ipnet::IpNet;
use problem::{Problem, Result};
use uuid::Uuid;

use crate::AppState;
use crate::domain::network::network;

/// Requests a second and at once, before they are multiplied by `RATE_LIMIT_FACTOR`.
const REQUESTS: (u32, u32) = (100, 1000);
/// Those of people who have not shown who they are yet: logins, registrations, resets.
const ANONYMOUS: (u32, u32) = (5, 100);
const ANONYMOUS_IN_ALL: (u32, u32) = (100, 1000);
/// Downloads of all data of one user, a minute and at once: each reads everything.
const EXPORTS: (u32, u32) = (1, 5);

#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    requests: DefaultKeyedRateLimiter<IpNet>,
    anonymous: DefaultKeyedRateLimiter<IpNet>,
    anonymous_in_all: DefaultDirectRateLimiter,
    exports: DefaultKeyedRateLimiter<Uuid>,
}

impl Limits {
    pub fn new(factor: u32) -> Self {
        let times =
            |count: u32| NonZeroU32::MIN.saturating_add(count.saturating_mul(factor).saturating_sub(1));
        let quota = |(per_second, burst)| Quota::per_second(times(per_second)).allow_burst(times(burst));
        Self(Arc::new(Inner {
            requests: RateLimiter::keyed(quota(REQUESTS)),
            anonymous: RateLimiter::keyed(quota(ANONYMOUS)),
            anonymous_in_all: RateLimiter::direct(quota(ANONYMOUS_IN_ALL)),
            exports: RateLimiter::keyed(Quota::per_minute(times(EXPORTS.0)).allow_burst(times(EXPORTS.1))),
        }))
    }

    fn request(&self, client: &Client) -> Result<()> {
        self.0
            .requests
            .check_key(&client.network)
            .map_err(|until| refused("requests", &until))
    }

    /// For a request of somebody who has not shown who they are; before anything is done for it.
    pub fn anonymous(&self, client: &Client) -> Result<()> {
        self.0
            .anonymous
            .check_key(&client.network)
            .map_err(|until| refused("anonymous", &until))?;
        self.0
            .anonymous_in_all
            .check()
            .map_err(|until| refused("anonymous_in_all", &until))
    }

    pub fn export(&self, user_id: Uuid) -> Result<()> {
        self.0
            .exports
            .check_key(&user_id)
            .map_err(|until| refused("exports", &until))
    }

    /// Forgets networks and users that have been quiet long enough to start afresh.
    pub fn forget_quiet(&self) {
        self.0.requests.retain_recent();
        self.0.anonymous.retain_recent();
        self.0.exports.retain_recent();
    }
}

fn refused(limit: &'static str, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Problem {
    metrics::counter!("rate_limited_total", "limit" => limit).increment(1);
    let wait = until.wait_time_from(DefaultClock::default().now());
    Problem::rate_limited(u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX))
}

/// The network that a request comes from.
#[derive(Clone)]
pub struct Client {
    pub network: IpNet,
}

/// Middleware for everything that the outside can reach.
pub async fn limited(State(app): State<AppState>, mut request: Request, next: Next) -> Result<Response> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Only a test has no connection.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let client = Client {
        network: network(app.config.proxies.client(peer, request.headers())),
    };
    app.limits.request(&client)?;
    request.extensions_mut().insert(client);
    Ok(next.run(request).await)
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let client = parts.extensions.get::<Self>().cloned();
        client.ok_or_else(|| Problem::internal(&"a route without the middleware of limits"))
    }
}
