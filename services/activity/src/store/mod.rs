//! The audit log and the feeds. Every function takes a connection; the caller owns the transaction.

pub mod audit;
pub mod live;
pub mod log;
pub mod seals;

use chrono::{DateTime, Utc};
use outbox::Received;
use page::Place;
use serde_json::Value;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::domain::Item;

pub struct FeedRow {
    pub seq: i64,
    pub id: Uuid,
    pub kind: String,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
}

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

/// The user's `limit` lines at `place`, newest first.
pub async fn feed(
    conn: &mut PgConnection,
    user_id: Uuid,
    place: Place<i64>,
    limit: i64,
) -> sqlx::Result<Vec<FeedRow>> {
    query_as!(
        FeedRow,
        r#"SELECT seq AS "seq!", id AS "id!", kind AS "kind!", data AS "data!", occurred_at AS "occurred_at!" FROM (
             (SELECT * FROM feed WHERE user_id = $1 AND NOT $4 AND seq < $2 ORDER BY seq DESC LIMIT $3)
             UNION ALL
             (SELECT * FROM feed WHERE user_id = $1 AND $4 AND seq > $2 ORDER BY seq LIMIT $3)
           ) AS page ORDER BY seq DESC"#,
        user_id,
        place.key().unwrap_or(i64::MAX),
        limit,
        place.is_back(),
    )
    .fetch_all(conn)
    .await
}
