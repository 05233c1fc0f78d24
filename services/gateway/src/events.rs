//! What arrives by topic.

use axum::extract::State;
use outbox::{Outcome, Received};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use crate::AppState;

/// `SESSION_REVOKED`, as far as the cache needs it.
#[derive(Deserialize)]
pub struct SessionRevoked {
    session_id: Uuid,
}

/// A session has ended: its entry goes, and nothing brings it back. A repeat changes nothing, so no inbox is needed.
pub async fn session_revoked(
    State(app): State<AppState>,
    event: Received<SessionRevoked>,
) -> Result<Outcome> {
    if !event.is("payme.session.revoked.v1") {
        return Ok(Outcome::Drop);
    }
    app.cache.end(event.data.session_id).await?;
    Ok(Outcome::Success)
}
