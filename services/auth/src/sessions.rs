//! Access tokens of sessions, this service's cache of them (the newest token of each session, in Dapr state), and the end
//! of sessions.
//!
//! A renewal that is asked for while that token still has more than half of its life is answered from the cache and
//! does not reach Token Provider. The cache only saves work: whatever goes wrong with it is logged and passed over.

use axum::http::{HeaderMap, HeaderName};
use chrono::{DateTime, Duration, Utc};
use problem::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::events::{Reason, session_revoked};
use crate::{AppState, store};

/// Between this service and the gateway: which sessions an answer has ended.
const ENDED_SESSIONS: HeaderName = HeaderName::from_static("payme-ended-sessions");

/// A session's access token as the gateway gets it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Access {
    pub access_token: String,
    pub issued_at: DateTime<Utc>,
    pub access_expires_at: DateTime<Utc>,
}

impl Access {
    fn life(&self) -> Duration {
        self.access_expires_at - self.issued_at
    }

    fn is_young(&self, now: DateTime<Utc>) -> bool {
        self.access_expires_at - now > self.life() / 2
    }
}

pub async fn remember(app: &AppState, session_id: Uuid, access: &Access) -> Result<()> {
    let ttl_s = u32::try_from(access.life().num_seconds())
        .unwrap_or(u32::MAX)
        .max(1);
    if let Err(error) = app
        .sidecar
        .set(&key(session_id), serde_json::to_vec(access)?, ttl_s)
        .await
    {
        tracing::warn!(%error, "the token cache could not be written");
    }
    Ok(())
}

/// The session's newest token while it is young; counts how many calls to Token Provider that saves.
pub async fn remembered(app: &AppState, session_id: Uuid, now: DateTime<Utc>) -> Option<Access> {
    let cached = app.sidecar.get(&key(session_id)).await;
    let bytes = cached
        .inspect_err(|error| tracing::warn!(%error, "the token cache could not be read"))
        .ok()
        .flatten();
    let access = bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|access: &Access| access.is_young(now));
    let call = if access.is_some() { "saved" } else { "made" };
    metrics::counter!("token_provider_calls_total", "call" => call).increment(1);
    access
}

async fn forget(app: &AppState, session_id: Uuid) {
    if let Err(error) = app.sidecar.delete(&key(session_id)).await {
        tracing::warn!(%error, "the token cache could not be cleared; the entry ends with its token");
    }
}

/// Sessions that were ended, for what is left to do after the commit.
#[must_use]
pub struct Ended(Vec<Uuid>);

/// Ends sessions of a user, `only` one or all `but` one, and enqueues the event of each.
pub async fn end(
    conn: &mut PgConnection,
    user_id: Uuid,
    (only, but): (Option<Uuid>, Option<Uuid>),
    reason: Reason,
    now: DateTime<Utc>,
) -> Result<Ended> {
    let ended = store::sessions::end(conn, user_id, only, but, now).await?;
    let events: serde_json::Result<Vec<_>> = ended
        .iter()
        .map(|id| session_revoked(user_id, *id, reason, now))
        .collect();
    outbox::enqueue_all(conn, &events?).await?;
    Ok(Ended(ended))
}

impl Ended {
    /// They are over with the commit; this leaves less behind, and nobody waits for it. The header tells the gateway, which
    /// need not wait for the events either.
    pub fn after_commit(self, app: &AppState) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.0.is_empty() {
            return headers;
        }
        app.relay.wake();
        let list = self.0.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        if let Ok(list) = list.parse() {
            headers.insert(ENDED_SESSIONS, list);
        }
        let app = app.clone();
        tokio::spawn(async move {
            for id in &self.0 {
                forget(&app, *id).await;
            }
            if app.token_provider.revoke(&self.0).await.is_err() {
                tracing::warn!(
                    "the refresh tokens of ended sessions could not be revoked; they are of no use without them"
                );
            }
        });
        headers
    }

    pub fn ids(&self) -> &[Uuid] {
        &self.0
    }
}

fn key(session_id: Uuid) -> String {
    format!("session:{session_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_young_in_the_first_half_of_its_life() {
        let now = Utc::now();
        let issued_s_ago = |seconds| Access {
            access_token: String::new(),
            issued_at: now - Duration::seconds(seconds),
            access_expires_at: now + Duration::seconds(600 - seconds),
        };
        assert!(issued_s_ago(0).is_young(now));
        assert!(issued_s_ago(299).is_young(now));
        assert!(!issued_s_ago(300).is_young(now));
        assert!(!issued_s_ago(700).is_young(now));
    }
}
