//! The events that this service publishes.

use anyhow::bail;
use chrono::{DateTime, Utc};
use money::Money;
use outbox::Event;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{Kind, PaymentRequest, RequestState, State, Transaction},
    ledger::Entry,
};

pub const TRANSACTION_MADE: &str = "TRANSACTION_MADE";
pub const PAYMENT_REQUEST_CHANGED: &str = "PAYMENT_REQUEST_CHANGED";

/// Money has moved. Ids only: what people wrote about it stays here.
#[derive(Serialize, JsonSchema)]
pub struct TransactionMade {
    pub transaction_id: Uuid,
    pub kind: Kind,
    /// Null: the money came from outside.
    pub from_account_id: Option<Uuid>,
    /// Of a withdrawal the account outside.
    pub to_account_id: Uuid,
    pub from_user_id: Option<Uuid>,
    /// Of a withdrawal the payer.
    pub to_user_id: Uuid,
    pub amount: Money,
    pub completed_at: DateTime<Utc>,
    /// Everything that moved, also fees. The amounts sum to zero.
    #[serde(default)]
    pub entries: Vec<Entry>,
}

/// The event of a transaction that has moved money, whose id is the transaction's, so there can be only one. None for any
/// other.
pub fn transaction_made(transaction: &Transaction, entries: &[Entry]) -> serde_json::Result<Option<Event>> {
    let State::Completed(done) = transaction.state else {
        return Ok(None);
    };
    let order = &transaction.order;
    // The second entry is the payee's side: where it went outside, only the ledger knows the account.
    let to = order.to.or(entries.get(1).map(|entry| entry.account_id));
    let Some(to_account_id) = to.filter(|_| order.kind.moves()) else {
        return Ok(None);
    };
    let data = TransactionMade {
        transaction_id: transaction.id,
        kind: order.kind,
        from_account_id: order.from,
        to_account_id,
        from_user_id: done.payer,
        to_user_id: done.payee,
        amount: order.amount,
        completed_at: done.at,
        entries: entries.to_vec(),
    };
    let event = Event::new(
        TRANSACTION_MADE,
        "payme.transaction.made.v1",
        transaction.id,
        &data,
        done.at,
    )?;
    Ok(Some(Event {
        id: transaction.id,
        ..event
    }))
}

/// Somebody was asked for money, or the request has ended without a payment. Ids only, as above.
#[derive(Serialize, JsonSchema)]
pub struct PaymentRequestChanged {
    pub payment_request_id: Uuid,
    /// `open`: it was made just now. `declined`: the payer said no, or has left. `cancelled`: the requester took it back, or has
    /// left. `expired`: its time is over. Of `paid` no event tells: a payment is told by `TRANSACTION_MADE`.
    pub state: RequestState,
    /// Who has asked.
    pub requester_user_id: Uuid,
    /// Who is to pay.
    pub payer_user_id: Uuid,
    pub amount: Money,
    pub expires_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

/// The event of the state that a payment request has now.
pub fn payment_request_changed(request: &PaymentRequest) -> serde_json::Result<Event> {
    let changed_at = request.ended_at.unwrap_or(request.created_at);
    let data = PaymentRequestChanged {
        payment_request_id: request.id,
        state: request.state,
        requester_user_id: request.requester.user_id,
        payer_user_id: request.payer.user_id,
        amount: request.amount,
        expires_at: request.expires_at,
        changed_at,
    };
    Event::new(
        PAYMENT_REQUEST_CHANGED,
        "payme.payment_request.changed.v1",
        request.id,
        &data,
        changed_at,
    )
}

/// The JSON Schema of a topic's `data`, which is `contract/events/<TOPIC>.schema.json`.
pub fn events_schema(topic: &str) -> anyhow::Result<String> {
    let schema = match topic {
        TRANSACTION_MADE => schema_for!(TransactionMade),
        PAYMENT_REQUEST_CHANGED => schema_for!(PaymentRequestChanged),
        _ => bail!("this service does not publish {topic}"),
    };
    Ok(serde_json::to_string_pretty(&schema)?)
}
