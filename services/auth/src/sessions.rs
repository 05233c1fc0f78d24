//! Access tokens of sessions, and this service's cache of them: the newest token of each session, in Dapr state.
//!
//! A renewal that is asked for while that token still has more than half of its life is answered from the cache and
//! does not reach Token Provider. The cache only saves work: whatever goes wrong with it is logged and passed over.

use chrono::{DateTime, Duration, Utc};
use problem::Result;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::AppState;

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

pub async fn remembered(app: &AppState, session_id: Uuid, now: DateTime<Utc>) -> Option<Access> {
    let cached = app.sidecar.get(&key(session_id)).await;
    let bytes = cached
        .inspect_err(|error| tracing::warn!(%error, "the token cache could not be read"))
        .ok()??;
    serde_json::from_slice(&bytes)
        .ok()
        .filter(|access: &Access| access.is_young(now))
}

pub async fn forget(app: &AppState, session_id: Uuid) {
    if let Err(error) = app.sidecar.delete(&key(session_id)).await {
        tracing::warn!(%error, "the token cache could not be cleared; the entry ends with its token");
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
