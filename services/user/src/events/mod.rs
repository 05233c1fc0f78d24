//! What arrives by topic.

use axum::extract::State;
use chrono::Utc;
use outbox::{Outcome, Received, first_delivery};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use crate::AppState;
use crate::store::profiles;

/// `USER_REGISTERED`, as far as a profile needs it.
#[derive(Deserialize)]
pub struct UserRegistered {
    user_id: Uuid,
}

pub async fn user_registered(
    State(app): State<AppState>,
    event: Received<UserRegistered>,
) -> Result<Outcome> {
    let mut tx = app.pool.begin().await?;
    if first_delivery(&mut tx, event.id).await? {
        profiles::open(&mut tx, event.data.user_id, Utc::now()).await?;
        tx.commit().await?;
    }
    Ok(Outcome::Success)
}
