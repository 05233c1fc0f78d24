use inbox::{Effect, Event, Received};
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Due, queue_all};
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

impl Event for UserRegistered {
    const TOPIC: &'static str = "USER_REGISTERED";
    const KIND: &'static str = "payme.user.registered.v1";
}

impl Effect<UserRegistered> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<UserRegistered>]) -> Result<()> {
        queue_all(conn, events, UserRegistered::mails).await
    }

    fn applied(&self) {
        self.wake.notify_one();
    }
}
