//! The audit log and the feeds. Every function takes a connection; the caller owns the transaction.

pub mod audit;
pub mod feed;
pub mod live;
pub mod log;
pub mod seals;

use chrono::{DateTime, Utc};
use inbox::Received;
use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::domain::Item;
use crate::events::Noted;

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
