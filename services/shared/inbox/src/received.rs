//! An event as it is delivered.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Event;

/// An event as it is delivered: CloudEvents 1.0 in JSON, whose `data` is of the type that its `type` names.
#[derive(Clone, Debug, Deserialize)]
pub struct Received<T> {
    pub id: Uuid,
    /// The CloudEvent's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: DateTime<Utc>,
    pub data: T,
}

/// Why an event can't be read. No retry would mend it.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("unreadable: {0}")]
    Form(#[from] serde_json::Error),
    #[error("unknown kind: {0}")]
    Kind(String),
}

impl<E: Event> Received<E> {
    pub fn read(event: &Value) -> Result<Self, Unreadable> {
        // The kind first: of another one, or another version, the data need not be understood.
        if let Some(kind) = event["type"].as_str().filter(|kind| *kind != E::KIND) {
            return Err(Unreadable::Kind(kind.to_owned()));
        }
        Ok(Self::deserialize(event)?)
    }
}

/// What the envelope says of its id; what is no event has none.
pub fn id_of(event: &Value) -> Option<Uuid> {
    event["id"].as_str()?.parse().ok()
}
