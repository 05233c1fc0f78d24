//! The event that this service publishes.

use chrono::{DateTime, Utc};
use money::Money;
use outbox::Event;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::{Kind, State, Transaction};

pub const TRANSACTION_MADE: &str = "TRANSACTION_MADE";

/// Money has moved. Ids only: what people wrote about it stays here.
#[derive(Serialize, JsonSchema)]
pub struct TransactionMade {
    pub transaction_id: Uuid,
    pub kind: Kind,
    /// Null: the money came from outside.
    pub from_account_id: Option<Uuid>,
    pub to_account_id: Uuid,
    pub from_user_id: Option<Uuid>,
    pub to_user_id: Uuid,
    pub amount: Money,
    pub completed_at: DateTime<Utc>,
}

/// The event of a completed transaction, whose id is the transaction's, so there can be only one. None for any other.
pub fn transaction_made(transaction: &Transaction) -> serde_json::Result<Option<Event>> {
    let State::Completed { payee, at } = transaction.state else {
        return Ok(None);
    };
    let order = &transaction.order;
    let data = TransactionMade {
        transaction_id: transaction.id,
        kind: order.kind,
        from_account_id: order.from,
        to_account_id: order.to,
        from_user_id: order.from.map(|_| order.initiator),
        to_user_id: payee,
        amount: order.amount,
        completed_at: at,
    };
    let event = Event::new(
        TRANSACTION_MADE,
        "payme.transaction.made.v1",
        transaction.id,
        &data,
        at,
    )?;
    Ok(Some(Event {
        id: transaction.id,
        ..event
    }))
}

/// The JSON Schema of the event's data.
pub fn schema() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&schemars::schema_for!(TransactionMade))
}
