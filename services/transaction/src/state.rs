//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use outbox::Relay;
use sidecar::Sidecar;
use sqlx::PgPool;

use crate::{config::Config, ledger::Ledger, people::People, settler::Settler};

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub settler: Settler,
    pub(crate) config: Config,
    pub(crate) people: People,
    /// Woken after the commit of an event.
    pub(crate) relay: Relay,
    identity: Identity,
}

impl AppState {
    /// Starts the settler's worker, so it needs a runtime.
    pub fn new(pool: PgPool, sidecar: Sidecar, identity: Identity, relay: Relay, config: Config) -> Self {
        let people = People::new(sidecar.clone(), identity.clone());
        let settler = Settler::new(
            pool.clone(),
            Ledger::new(sidecar, identity.clone()),
            relay.clone(),
        );
        Self {
            pool,
            settler,
            config,
            people,
            relay,
            identity,
        }
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
