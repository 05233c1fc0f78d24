//! Events that are neither lost nor applied twice.
//!
//! A producer calls [`enqueue`] in the transaction of its change; a [`Relay`] publishes what is committed, in
//! order, and deletes what the broker took. A consumer takes [`Received`] and asks [`first_delivery`] in the
//! transaction of its effect. Delivery is at least once; the effect is exactly once. [`forget_old`] keeps the inbox small;
//! the outbox needs no such thing.
//! A service without a database can only [`publish_now`].
//! Both tables are in `tables.sql`; each service creates its own in its migrations.

mod envelope;
mod receive;
mod relay;
mod retention;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sidecar::Sidecar;
use sqlx::PgConnection;
use telemetry::TraceContext;
use uuid::Uuid;

use envelope::Envelope;
pub use receive::{Outcome, Received, deliveries};
pub use relay::{Relay, Worker};
pub use retention::{FORGET_PERIOD, forget_chunk, forget_old};

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

/// Whether this is the first delivery of the event. Call it in the transaction of the effect: a second delivery
/// that runs at the same time waits here for the first one's commit.
pub async fn first_delivery(conn: &mut PgConnection, event_id: Uuid) -> sqlx::Result<bool> {
    let inserted = sqlx::query("INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT (event_id) DO NOTHING")
        .bind(event_id)
        .execute(conn)
        .await?;
    Ok(inserted.rows_affected() == 1)
}
