//! What every handler can reach.

use chrono::Utc;
use identity::Identity;
use server::Background;
use sidecar::Sidecar;

use crate::alerts::Alerts;
use crate::cache::TokenCache;
use crate::config::Config;
use crate::domain::seal::Pepper;
use crate::head_start::HeadStart;
use crate::limits::Limits;
use crate::renewal::Renewals;
use crate::stopping::Stopping;

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
    pub(crate) stopping: Stopping,
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
            stopping: Stopping::default(),
        }
    }

    /// Ends streams when the gateway is told to stop.
    pub fn watch_for_stop(&self, background: &Background) {
        self.stopping.work(background);
    }

    /// Gives memory back that sessions, networks and users took who have been quiet for a while.
    pub fn forget_quiet(&self) {
        self.head_start.forget_ended(Utc::now());
        self.limits.forget_quiet();
        self.alerts.forget_quiet();
    }
}
