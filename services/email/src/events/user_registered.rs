use axum::extract::State;
use outbox::{Outcome, Received};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use super::{Due, commit};
use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;

#[derive(Deserialize)]
pub struct UserRegistered {
    user_id: Uuid,
}

impl UserRegistered {
    /// A new user gets the mail that verifies their address.
    fn mails(event: &Received<Self>) -> Vec<Due> {
        let facts = Facts {
            at: event.time,
            ..Facts::default()
        };
        vec![Due {
            user_id: event.data.user_id,
            kind: Kind::Verification,
            facts,
        }]
    }
}

pub async fn user_registered(
    State(app): State<AppState>,
    event: Received<UserRegistered>,
) -> Result<Outcome> {
    if !event.is("payme.user.registered.v1") {
        return Ok(Outcome::Drop);
    }
    commit(&app, event.id, &UserRegistered::mails(&event)).await?;
    Ok(Outcome::Success)
}
