//! Events that are published although processes die and brokers are down.
//!
//! A producer calls [`enqueue`] in the transaction of its change; a [`Relay`] publishes what is committed, in
//! order, and keeps what the broker took for a week. Delivery is at least once; the crate `inbox` is the consumer's side.
//! A service without a database can only [`publish_now`].
//! The tables are in `tables.sql`; each producer creates its own in its migrations.

mod envelope;
mod published;
mod relay;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sidecar::Sidecar;
use sqlx::PgConnection;
use telemetry::TraceContext;
use uuid::Uuid;

use envelope::Envelope;
pub use published::{command, forget_chunk, publish_again};
pub use relay::{LOCK, Relay, Worker};

/// A fact to tell others, before it is published as a CloudEvent 1.0.
#[derive(Clone, Debug)]
pub struct Event {
    /// The CloudEvent's `id`, by which consumers tell a repeat.
    pub id: Uuid,
    pub topic: &'static str,
    /// The CloudEvent's `type`: `payme.<noun>.<verb>.v1`.
    pub kind: &'static str,
    /// The aggregate that the event is about; events of one subject keep their order where the broker can.
    pub subject: String,
    pub data: serde_json::Value,
    /// The trace that it happened in: at first that of the running task.
    pub trace: Option<TraceContext>,
    pub occurred_at: DateTime<Utc>,
}

impl Event {
    /// # Errors
    /// If `data` can't be JSON, such as a map whose keys are no strings.
    pub fn new(
        topic: &'static str,
        kind: &'static str,
        subject: impl ToString,
        data: &impl Serialize,
        occurred_at: DateTime<Utc>,
    ) -> serde_json::Result<Self> {
        let data = serde_json::to_value(data)?;
        Ok(Self {
            id: Uuid::now_v7(),
            topic,
            kind,
            subject: subject.to_string(),
            data,
            trace: TraceContext::current(),
            occurred_at,
        })
    }
}

/// Publishes an event that no database holds: it is lost if the broker does not take it now.
pub async fn publish_now(sidecar: &Sidecar, source: &str, event: &Event) -> Result<(), sidecar::Error> {
    let traceparent = event.trace.as_ref().map(ToString::to_string);
    let envelope = Envelope {
        id: event.id,
        source,
        kind: event.kind,
        subject: &event.subject,
        data: &event.data,
        traceparent: traceparent.as_deref(),
        occurred_at: event.occurred_at,
    };
    sidecar.publish(event.topic, vec![envelope.publication()]).await
}

/// Writes the event beside the change that it tells of. After the commit, call [`Relay::wake`].
pub async fn enqueue(conn: &mut PgConnection, event: &Event) -> sqlx::Result<()> {
    enqueue_all(conn, std::slice::from_ref(event)).await
}

/// As [`enqueue`], for many events in one statement.
pub async fn enqueue_all(conn: &mut PgConnection, events: &[Event]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO outbox (id, topic, kind, subject, data, traceparent, occurred_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::timestamptz[])",
    )
    .bind(column(events, |event| event.id))
    .bind(column(events, |event| event.topic))
    .bind(column(events, |event| event.kind))
    .bind(column(events, |event| event.subject.clone()))
    .bind(column(events, |event| event.data.clone()))
    .bind(column(events, |event| event.trace.as_ref().map(ToString::to_string)))
    .bind(column(events, |event| event.occurred_at))
    .execute(conn)
    .await?;
    Ok(())
}

fn column<T>(events: &[Event], value: impl Fn(&Event) -> T) -> Vec<T> {
    events.iter().map(value).collect()
}
