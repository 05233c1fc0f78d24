//! The token cache: one sealed entry per session, in Dapr state, and what tells all replicas which sessions have ended.
//!
//! Whoever ends a session marks it as ended and then deletes its entry; whoever writes an entry looks for that mark
//! afterwards. So, whichever comes first, no entry of an ended session stays.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use sidecar::Sidecar;
use uuid::Uuid;

use crate::auth::not_logged_in;
use crate::domain::seal::Pepper;
use crate::domain::session::{Entry, SessionCookie};

/// Longer than a renewal takes; if its replica dies in the middle, another tries after this.
const RENEWAL_LOCK_S: u32 = 10;
/// Longer than any access token lives: afterwards the tokens of the session are as dead as the session.
const ENDED_S: u32 = 2 * 3600;

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

    /// # Errors
    /// `not_logged_in` if the session has ended in the meantime.
    pub async fn put(&self, cookie: &SessionCookie, entry: &Entry, now: DateTime<Utc>) -> Result<()> {
        let sealed = self.pepper.seal(cookie, entry)?;
        let ttl_s = u32::try_from((entry.session_expires_at - now).num_seconds())
            .unwrap_or(0)
            .max(1);
        let (cache_key, index) = (cookie.cache_key(), entry_of(entry.session_id));
        let both = [
            (cache_key.as_str(), sealed),
            (&index, cache_key.clone().into_bytes()),
        ];
        self.sidecar.set_all(both, ttl_s).await.map_err(unavailable)?;
        if self.is_ended(entry.session_id).await? {
            self.delete(cookie).await?;
            return Err(not_logged_in());
        }
        Ok(())
    }

    pub async fn delete(&self, cookie: &SessionCookie) -> Result<()> {
        self.sidecar
            .delete(&cookie.cache_key())
            .await
            .map_err(unavailable)
    }

    /// Ends a session for all replicas, whoever has its cookie or its tokens.
    pub async fn end(&self, session_id: Uuid) -> Result<()> {
        let index = entry_of(session_id);
        let ended = async {
            self.sidecar
                .set(&mark_of(session_id), b"1".to_vec(), ENDED_S)
                .await?;
            let entry = self.sidecar.get(&index).await?;
            if let Some(cache_key) = entry.and_then(|key| String::from_utf8(key).ok()) {
                self.sidecar.delete(&cache_key).await?;
                self.sidecar.delete(&index).await?;
            }
            Ok(())
        };
        ended.await.map_err(unavailable)
    }

    pub async fn is_ended(&self, session_id: Uuid) -> Result<bool> {
        let mark = self
            .sidecar
            .get(&mark_of(session_id))
            .await
            .map_err(unavailable)?;
        Ok(mark.is_some())
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

/// Where the cache key of a session's entry is found by the session's id.
fn entry_of(session_id: Uuid) -> String {
    format!("entry:{session_id}")
}

fn mark_of(session_id: Uuid) -> String {
    format!("ended:{session_id}")
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
