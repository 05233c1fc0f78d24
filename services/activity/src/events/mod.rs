//! What arrives by topic: each event becomes a line of the audit log, lines of feeds and entries for the auditor.

use chrono::Utc;
use inbox::{Effect, Event, Received};
use problem::Result;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::Tells;
use crate::{AppState, store};

/// An event's data: what it tells, and how it came, since the log keeps it so.
pub struct Noted<T> {
    pub told: T,
    pub data: Value,
}

impl<'de, T: Tells> Deserialize<'de> for Noted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let data = Value::deserialize(deserializer)?;
        let told = T::deserialize(&data).map_err(D::Error::custom)?;
        Ok(Self { told, data })
    }
}

impl<T: Tells> Event for Noted<T> {
    const TOPIC: &'static str = T::TOPIC;
    const KIND: &'static str = T::KIND;
}

impl<T: Tells> Effect<Noted<T>> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<Noted<T>>]) -> Result<()> {
        let (mut lines, mut entries) = (Vec::new(), Vec::new());
        for event in events {
            let items = event.data.told.items().into_iter();
            lines.extend(items.map(|item| (event.id, item, event.time)));
            entries.extend(event.data.told.entries());
        }
        store::write(conn, events, &lines, &entries, Utc::now()).await?;
        Ok(())
    }
}
