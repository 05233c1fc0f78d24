//! The audit log and the feeds. Every function takes a connection; the caller owns the transaction.

pub mod audit;
pub mod feed;
pub mod live;
pub mod log;
pub mod seals;

use chrono::{DateTime, Utc};
use outbox::Received;
use serde_json::Value;
use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::domain::Item;

pub async fn append_to_log(
    conn: &mut PgConnection,
    event: &Received<Value>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at) VALUES ($1, $2, $3, $4, $5, $6)",
        event.id,
        event.kind,
        event.subject,
        event.data,
        event.time,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_to_feed(
    conn: &mut PgConnection,
    event_id: Uuid,
    item: &Item,
    occurred_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO feed (id, user_id, event_id, kind, data, occurred_at) VALUES ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        item.user_id,
        event_id,
        item.kind,
        item.data,
        occurred_at
    )
    .execute(conn)
    .await?;
    Ok(())
}
