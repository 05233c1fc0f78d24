//! The JSON shapes that more than one endpoint shows.

use chrono::{DateTime, Utc};
use money::Money;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{Kind, State, Transaction};

/// A transaction, as one of its parties sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransactionView {
    pub id: Uuid,
    pub kind: Kind,
    pub state: StateView,
    /// Null: the money came from outside.
    pub from_account_id: Option<Uuid>,
    /// Null: the money went outside.
    pub to_account_id: Option<Uuid>,
    /// Who paid. Null: the money came from outside, or nothing has moved yet.
    pub from_user_id: Option<Uuid>,
    /// Who received it; of a withdrawal the payer. Null: nothing has moved yet.
    pub to_user_id: Option<Uuid>,
    pub amount: Money,
    /// What the payee has paid for it. The payee alone sees it.
    pub fee: Option<Money>,
    pub description: Option<String>,
    /// Until when a hold lasts.
    pub expires_at: Option<DateTime<Utc>>,
    /// What a capture, a void or an expiry has ended.
    pub hold_id: Option<Uuid>,
    /// What a refund gives back.
    pub refunds_id: Option<Uuid>,
    /// What a transfer pays.
    pub payment_request_id: Option<Uuid>,
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

impl TransactionView {
    /// As the user `viewer` sees it.
    pub fn of(transaction: Transaction, viewer: Uuid) -> Self {
        let (state, failure_code, done) = match transaction.state {
            State::Pending => (StateView::Pending, None, None),
            State::Completed(done) => (StateView::Completed, None, Some(done)),
            State::Failed(failure) => (StateView::Failed, Some(failure.code()), None),
        };
        let order = transaction.order;
        let fee = done.filter(|done| done.payee == viewer).and_then(|done| done.fee);
        Self {
            id: transaction.id,
            kind: order.kind,
            state,
            from_account_id: order.from,
            to_account_id: order.to,
            from_user_id: done.and_then(|done| done.payer),
            to_user_id: done.map(|done| done.payee),
            amount: order.amount,
            fee: fee.map(|amount_minor| Money {
                amount_minor,
                ..order.amount
            }),
            description: order.description,
            expires_at: order.about.until(),
            hold_id: order.about.hold(),
            refunds_id: order.about.refunded(),
            payment_request_id: order.about.payment_request(),
            failure_code,
            created_at: transaction.created_at,
            completed_at: done.map(|done| done.at),
        }
    }
}
