//! What every handler can reach.

use chrono::Utc;
use identity::Identity;
use sidecar::Sidecar;

use crate::alerts::Alerts;
use crate::cache::TokenCache;
use crate::config::Config;
use crate::domain::seal::Pepper;
use crate::head_start::HeadStart;
use crate::limits::Limits;
use crate::renewal::Renewals;

#[derive(Clone)]
pub struct AppState {
    pub(crate) sidecar: Sidecar,
    pub(crate) identity: Identity,
    pub(crate) cache: TokenCache,
    pub(crate) head_start: HeadStart,
    pub(crate) renewals: Renewals,
    pub(crate) limits: Limits,
    pub(crate) alerts: Alerts,
    pub(crate) config: Config,
}

impl AppState {
    pub fn new(sidecar: Sidecar, identity: Identity, pepper: Pepper, config: Config) -> Self {
        Self {
            cache: TokenCache::new(sidecar.clone(), pepper),
            head_start: HeadStart::default(),
            renewals: Renewals::default(),
            limits: Limits::new(config.rate_limit_factor),
            alerts: Alerts::new(sidecar.clone()),
            sidecar,
            identity,
            config,
        }
    }

    /// Gives memory back that sessions, networks and users took who have been quiet for a while.
    pub fn forget_quiet(&self) {
        self.head_start.forget_ended(Utc::now());
        self.limits.forget_quiet();
        self.alerts.forget_quiet();
    }
}
