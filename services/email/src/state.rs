//! What every handler can reach.

use axum::extract::FromRef;
use identity::Identity;
use sidecar::Sidecar;
use sqlx::PgPool;

use crate::contacts::Contacts;
use crate::mailer::Mailer;
use crate::preferences::Preferences;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub(crate) pool: PgPool,
    pub(crate) sidecar: Sidecar,
    pub(crate) identity: Identity,
    pub(crate) contacts: Contacts,
    pub(crate) preferences: Preferences,
    pub(crate) mailer: Mailer,
}

impl AppState {
    /// `public_origin` is where the links and examples of mails point.
    pub fn new(
        pool: PgPool,
        sidecar: Sidecar,
        identity: Identity,
        public_origin: String,
    ) -> anyhow::Result<Self> {
        let contacts = Contacts::new(sidecar.clone(), identity.clone());
        let preferences = Preferences::new(sidecar.clone(), identity.clone());
        let mailer = Mailer::new(sidecar.clone(), public_origin)?;
        Ok(Self {
            pool,
            sidecar,
            identity,
            contacts,
            preferences,
            mailer,
        })
    }
}
