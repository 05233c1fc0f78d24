//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use sqlx::PgPool;

use crate::ledger::Ledger;

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) ledger: Ledger,
    identity: Identity,
}

impl AppState {
    #[must_use]
    /// Starts the ledger's worker, so it needs a runtime.
    pub fn new(pool: PgPool, identity: Identity) -> Self {
        Self {
            ledger: Ledger::new(pool.clone()),
            pool,
            identity,
        }
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
