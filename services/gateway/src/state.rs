//! What every handler can reach.

use identity::Identity;
use sidecar::Sidecar;

use crate::auth::Auth;
use crate::cache::TokenCache;
use crate::config::Config;
use crate::domain::seal::Pepper;
use crate::renewal::Renewals;

#[derive(Clone)]
pub struct AppState {
    pub(crate) sidecar: Sidecar,
    pub(crate) identity: Identity,
    pub(crate) auth: Auth,
    pub(crate) cache: TokenCache,
    pub(crate) renewals: Renewals,
    pub(crate) config: Config,
}

impl AppState {
    pub fn new(sidecar: Sidecar, identity: Identity, pepper: Pepper, config: Config) -> Self {
        Self {
            auth: Auth::new(sidecar.clone(), identity.clone()),
            cache: TokenCache::new(sidecar.clone(), pepper),
            renewals: Renewals::default(),
            sidecar,
            identity,
            config,
        }
    }
}
