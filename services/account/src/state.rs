//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use sqlx::PgPool;

use crate::ledger::Ledger;

#[derive(Clone)]
pub struct AppState {
    pub pool: PgPool,
    pub ledger: Ledger,
    identity: Identity,
}

impl AppState {
    /// Starts the ledger's worker, so it needs a runtime.
    pub fn new(pool: PgPool, identity: Identity) -> Self {
        Self { ledger: Ledger::new(pool.clone()), pool, identity }
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
