//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use sidecar::Sidecar;
use sqlx::PgPool;

use crate::live::Live;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub pool: PgPool,
    pub sidecar: Sidecar,
    pub identity: Identity,
    pub live: Live,
}
