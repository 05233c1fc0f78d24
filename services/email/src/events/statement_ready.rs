use chrono::NaiveDate;
use inbox::{Effect, Event, Received};
use money::Money;
use problem::Result;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Due, queue_all};
use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;

/// `STATEMENT_READY`
#[derive(Deserialize)]
pub struct StatementReady {
    user_id: Uuid,
    account_id: Uuid,
    #[serde(deserialize_with = "first_day")]
    month: NaiveDate,
    opening: Money,
    closing: Money,
}

/// Of a month such as `2026-11`.
fn first_day<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<NaiveDate, D::Error> {
    let month = String::deserialize(deserializer)?;
    format!("{month}-01").parse().map_err(D::Error::custom)
}

impl StatementReady {
    /// The owner of the account gets a mail.
    fn mails(event: &Received<Self>) -> Vec<Due> {
        let ready = &event.data;
        vec![Due {
            user_id: ready.user_id,
            kind: Kind::Statement,
            facts: Facts {
                at: event.time,
                account_id: Some(ready.account_id),
                month: Some(ready.month),
                opening: Some(ready.opening),
                closing: Some(ready.closing),
                ..Facts::default()
            },
        }]
    }
}

impl Event for StatementReady {
    const TOPIC: &'static str = "STATEMENT_READY";
    const KIND: &'static str = "payme.statement.ready.v1";
}

impl Effect<StatementReady> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<StatementReady>]) -> Result<()> {
        queue_all(conn, events, StatementReady::mails).await
    }

    fn applied(&self) {
        self.wake.notify_one();
    }
}
