//! What every handler can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use identity::Identity;
use sidecar::Sidecar;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::contacts::Contacts;
use crate::letter::Letters;
use crate::mailer::Mailer;
use crate::preferences::Preferences;

#[derive(Clone)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) sidecar: Sidecar,
    pub(crate) identity: Identity,
    pub(crate) contacts: Contacts,
    pub(crate) preferences: Preferences,
    pub(crate) letters: Letters,
    pub(crate) mailer: Mailer,
    /// Tells the worker that mails were queued.
    pub(crate) wake: Arc<Notify>,
}

impl AppState {
    /// `public_origin` is where the links and examples of mails point.
    pub fn new(
        pool: PgPool,
        sidecar: Sidecar,
        identity: Identity,
        public_origin: String,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            contacts: Contacts::new(sidecar.clone(), identity.clone()),
            preferences: Preferences::new(sidecar.clone(), identity.clone()),
            letters: Letters::new(public_origin)?,
            mailer: Mailer::new(sidecar.clone()),
            wake: Arc::default(),
            pool,
            sidecar,
            identity,
        })
    }
}

impl FromRef<AppState> for PgPool {
    fn from_ref(app: &AppState) -> Self {
        app.pool.clone()
    }
}

impl FromRef<AppState> for Identity {
    fn from_ref(app: &AppState) -> Self {
        app.identity.clone()
    }
}
