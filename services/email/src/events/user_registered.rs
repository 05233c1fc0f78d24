use inbox::{Effect, Event, Received};
use minijinja::context;
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::send_once;
use crate::AppState;
use crate::contacts::Verification;
use crate::kind::Kind;
use crate::store::was_sent;

#[derive(Deserialize)]
pub struct UserRegistered {
    user_id: Uuid,
}

/// A new user gets the mail that verifies their address. If it is somebody else's, that one is told instead: so the answer
/// to a registration need not tell a stranger whose addresses are known here.
async fn user_registered(app: &AppState, event: &Received<UserRegistered>) -> Result<()> {
    let user_id = event.data.user_id;
    // Before Auth makes another token for nothing.
    if was_sent(&mut *app.pool.acquire().await?, event.id, user_id).await? {
        return Ok(());
    }
    let Some(verification) = app.contacts.verification(user_id).await? else {
        tracing::info!(%user_id, "a user is gone before the mail");
        return Ok(());
    };
    let (kind, email, facts) = match verification {
        Verification::Taken { taken_by, email } => {
            (Kind::AddressTaken, email, context! { username => taken_by })
        }
        Verification::Free {
            username,
            email,
            token,
        } => (Kind::Verification, email, context! { username, token }),
    };
    send_once(app, event.id, user_id, kind, &email, facts).await?;
    Ok(())
}

impl Event for UserRegistered {
    const TOPIC: &'static str = "USER_REGISTERED";
    const KIND: &'static str = "payme.user.registered.v1";
}

impl Effect<UserRegistered> for AppState {
    async fn apply(&self, _: &mut PgConnection, events: &[Received<UserRegistered>]) -> Result<()> {
        for event in events {
            user_registered(self, event).await?;
        }
        Ok(())
    }
}
