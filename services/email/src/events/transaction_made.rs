use chrono::{DateTime, Utc};
use inbox::{Effect, Event, Received};
use money::Money;
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Due, queue_all};
use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;

/// `TRANSACTION_MADE`, as far as mails tell of it.
#[derive(Deserialize)]
pub struct TransactionMade {
    transaction_id: Uuid,
    /// A word, which may be newer than this service.
    kind: String,
    from_user_id: Option<Uuid>,
    to_user_id: Uuid,
    amount: Money,
    completed_at: DateTime<Utc>,
}

impl TransactionMade {
    /// Who gets which mail; who pays to themselves gets one.
    fn parties(&self) -> Vec<(Uuid, Kind)> {
        match (self.from_user_id, self.kind.as_str()) {
            (None, _) => vec![(self.to_user_id, Kind::ToppedUp)],
            (Some(payer), "withdrawal") => vec![(payer, Kind::Withdrawn)],
            (Some(payer), _) if payer == self.to_user_id => vec![(payer, Kind::Sent)],
            (Some(payer), "refund") => vec![(payer, Kind::Sent), (self.to_user_id, Kind::Refunded)],
            (Some(payer), _) => vec![(payer, Kind::Sent), (self.to_user_id, Kind::Received)],
        }
    }

    fn mails(event: &Received<Self>) -> Vec<Due> {
        let made = &event.data;
        let due = |(user_id, kind)| Due {
            user_id,
            kind,
            facts: Facts {
                at: made.completed_at,
                transaction_id: Some(made.transaction_id),
                amount: Some(made.amount),
                other_user_id: match kind {
                    Kind::Received | Kind::Refunded => made.from_user_id,
                    _ => Some(made.to_user_id),
                },
                ..Facts::default()
            },
        };
        made.parties().into_iter().map(due).collect()
    }
}

impl Event for TransactionMade {
    const TOPIC: &'static str = "TRANSACTION_MADE";
    const KIND: &'static str = "payme.transaction.made.v1";
}

impl Effect<TransactionMade> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<TransactionMade>]) -> Result<()> {
        queue_all(conn, events, TransactionMade::mails).await
    }

    fn applied(&self) {
        self.wake.notify_one();
    }
}
