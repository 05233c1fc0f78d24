//! The JSON shapes that more than one endpoint shows.

use chrono::{DateTime, Utc};
use money::Money;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{Kind, State, Transaction};

/// A transaction, as its parties see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransactionView {
    pub id: Uuid,
    pub kind: Kind,
    pub state: StateView,
    /// Null: the money came from outside.
    pub from_account_id: Option<Uuid>,
    pub to_account_id: Uuid,
    pub amount: Money,
    pub description: Option<String>,
    /// Why it failed.
    pub failure_code: Option<&'static str>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateView {
    Pending,
    Completed,
    Failed,
}

impl From<Transaction> for TransactionView {
    fn from(transaction: Transaction) -> Self {
        let (state, failure_code, completed_at) = match transaction.state {
            State::Pending => (StateView::Pending, None, None),
            State::Completed { at, .. } => (StateView::Completed, None, Some(at)),
            State::Failed(failure) => (StateView::Failed, Some(failure.code()), None),
        };
        let order = transaction.order;
        Self {
            id: transaction.id,
            kind: order.kind,
            state,
            from_account_id: order.from,
            to_account_id: order.to,
            amount: order.amount,
            description: order.description,
            failure_code,
            created_at: transaction.created_at,
            completed_at,
        }
    }
}
