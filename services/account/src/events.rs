//! The event that this service publishes.

use anyhow::bail;
use chrono::{DateTime, Utc};
use money::Money;
use outbox::Event;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use uuid::Uuid;

pub const STATEMENT_READY: &str = "STATEMENT_READY";

/// A month is over, and something has moved an account in it: once for each account and month.
#[derive(Serialize, JsonSchema)]
pub struct StatementReady {
    /// The account's owner.
    pub user_id: Uuid,
    pub account_id: Uuid,
    /// In UTC, as `2026-11`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}$"))]
    pub month: String,
    /// The balance before the first entry of the month.
    pub opening: Money,
    /// The balance after its last entry.
    pub closing: Money,
}

impl StatementReady {
    pub fn event(&self, now: DateTime<Utc>) -> serde_json::Result<Event> {
        Event::new(
            STATEMENT_READY,
            "payme.statement.ready.v1",
            self.account_id,
            self,
            now,
        )
    }
}

/// The JSON Schema of a topic's `data`, which is `contract/events/<TOPIC>.schema.json`.
pub fn events_schema(topic: &str) -> anyhow::Result<String> {
    if topic != STATEMENT_READY {
        bail!("this service does not publish {topic}");
    }
    Ok(serde_json::to_string_pretty(&schema_for!(StatementReady))?)
}
