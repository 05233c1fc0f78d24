//! The token cache: one sealed entry per session, in Dapr state.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use sidecar::Sidecar;

use crate::domain::seal::Pepper;
use crate::domain::session::{Entry, SessionCookie};

/// Longer than a renewal takes; if its replica dies in the middle, another tries after this.
const RENEWAL_LOCK_S: u32 = 10;

#[derive(Clone)]
pub struct TokenCache {
    sidecar: Sidecar,
    pepper: Pepper,
}

impl TokenCache {
    pub fn new(sidecar: Sidecar, pepper: Pepper) -> Self {
        Self { sidecar, pepper }
    }

    /// The session's entry. One that does not open counts as missing: Auth decides whether the session is there.
    pub async fn get(&self, cookie: &SessionCookie) -> Result<Option<Entry>> {
        let sealed = self.sidecar.get(&cookie.cache_key()).await.map_err(unavailable)?;
        Ok(sealed.and_then(|sealed| self.pepper.open(cookie, &sealed)))
    }

    pub async fn put(&self, cookie: &SessionCookie, entry: &Entry, now: DateTime<Utc>) -> Result<()> {
        let sealed = self.pepper.seal(cookie, entry)?;
        let ttl_s = u32::try_from((entry.session_expires_at - now).num_seconds())
            .unwrap_or(0)
            .max(1);
        self.sidecar
            .set(&cookie.cache_key(), sealed, ttl_s)
            .await
            .map_err(unavailable)
    }

    pub async fn delete(&self, cookie: &SessionCookie) -> Result<()> {
        self.sidecar
            .delete(&cookie.cache_key())
            .await
            .map_err(unavailable)
    }

    /// Whether this replica is the one that renews the session's token now.
    pub async fn may_renew(&self, cookie: &SessionCookie) -> bool {
        self.sidecar
            .create(
                &format!("renew:{}", cookie.cache_key()),
                b"1".to_vec(),
                RENEWAL_LOCK_S,
            )
            .await
    }
}

/// Never a 401: a store that is down says nothing about the session.
fn unavailable(error: sidecar::Error) -> Problem {
    tracing::warn!(%error, "the session store did not answer");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "session_store_unavailable",
        "Sessions can't be looked up right now",
    )
    .retry_after_s(1)
}
