use axum::extract::State;
use chrono::{DateTime, Utc};
use money::Money;
use outbox::{Outcome, Received};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use super::{Due, commit};
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

pub async fn transaction_made(
    State(app): State<AppState>,
    event: Received<TransactionMade>,
) -> Result<Outcome> {
    if !event.is("payme.transaction.made.v1") {
        return Ok(Outcome::Drop);
    }
    commit(&app, event.id, &TransactionMade::mails(&event)).await?;
    Ok(Outcome::Success)
}
