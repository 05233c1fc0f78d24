//! The event that this service publishes.

use chrono::{DateTime, Utc};
use money::Money;
use outbox::Event;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{Kind, State, Transaction},
    ledger::Entry,
};

pub const TRANSACTION_MADE: &str = "TRANSACTION_MADE";

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

/// The JSON Schema of the event's data.
pub fn schema() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&schemars::schema_for!(TransactionMade))
}
