//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use sidecar::Sidecar;
use sqlx::PgPool;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub pool: PgPool,
    pub sidecar: Sidecar,
    pub identity: Identity,
}
