//! The audit log and the feeds. Every function takes a connection; the caller owns the transaction.

pub mod audit;

use chrono::{DateTime, Utc};
use inbox::Received;
use page::Place;
use serde_json::Value;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::domain::Item;
use crate::events::Noted;

pub struct FeedRow {
    pub seq: i64,
    pub id: Uuid,
    pub kind: String,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
}

pub async fn append_to_log<T>(
    conn: &mut PgConnection,
    events: &[Received<Noted<T>>],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at)
         SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])",
        &column(events, |event| event.id),
        &column(events, |event| event.kind.clone()),
        &column(events, |event| event.subject.clone()),
        &column(events, |event| event.data.data.clone()),
        &column(events, |event| event.time),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds lines, each with the id of its event and the time when that happened.
pub async fn add_to_feeds(
    conn: &mut PgConnection,
    lines: &[(Uuid, Item, DateTime<Utc>)],
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO feed (id, user_id, event_id, kind, data, occurred_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::timestamptz[])",
        &column(lines, |_| Uuid::now_v7()),
        &column(lines, |(_, item, _)| item.user_id),
        &column(lines, |(event_id, _, _)| *event_id),
        &column(lines, |(_, item, _)| item.kind.to_owned()),
        &column(lines, |(_, item, _)| item.data.clone()),
        &column(lines, |(_, _, occurred_at)| *occurred_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
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
