//! What arrives by topic.

use chrono::Utc;
use inbox::{Effect, Event, Received};
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::AppState;
use crate::store::profiles;

/// `USER_REGISTERED`, as far as a profile needs it.
#[derive(Deserialize)]
pub struct UserRegistered {
    user_id: Uuid,
}

impl Event for UserRegistered {
    const TOPIC: &'static str = "USER_REGISTERED";
    const KIND: &'static str = "payme.user.registered.v1";
}

impl Effect<UserRegistered> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<UserRegistered>]) -> Result<()> {
        for event in events {
            profiles::open(conn, event.data.user_id, Utc::now()).await?;
        }
        Ok(())
    }
}
