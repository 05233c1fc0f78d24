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
use crate::domain::audit::Entry;
use crate::events::Noted;

/// Writes what events say, in one statement: lines of the log, lines of feeds, each with the id of its event and the time when that
/// happened, and entries for the auditor. The streams of the feeds' users are woken when the transaction is committed.
///
/// No other transaction adds to these users' feeds until this one ends: so the lines of a feed appear in the order of their
/// numbers, and whoever has read up to one has missed none before it. Call it once in a transaction, with all of them.
pub async fn write<T>(
    conn: &mut PgConnection,
    events: &[Received<Noted<T>>],
    lines: &[(Uuid, Item, DateTime<Utc>)],
    entries: &[Entry],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "WITH taken AS MATERIALIZED (
             SELECT count(pg_advisory_xact_lock(hashtextextended(user_id::text, 0))) AS feeds
               FROM (SELECT DISTINCT user_id FROM unnest($8::uuid[]) AS of (user_id) ORDER BY user_id) AS users
         ), logged AS (
             INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at)
             SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])
         ), fed AS (
             INSERT INTO feed (id, user_id, event_id, kind, data, occurred_at)
             SELECT line.* FROM taken
               CROSS JOIN unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $11::jsonb[], $12::timestamptz[]) AS line
         ), audited AS (
             INSERT INTO audit_entries (account_id, amount_minor) SELECT * FROM unnest($13::uuid[], $14::bigint[])
         )
         SELECT pg_notify($15, users) FROM unnest($16::text[]) AS woken (users)",
        &column(events, |event| event.id),
        &column(events, |event| event.kind.clone()),
        &column(events, |event| event.subject.clone()),
        &column(events, |event| event.data.data.clone()),
        &column(events, |event| event.time),
        now,
        &column(lines, |_| Uuid::now_v7()),
        &column(lines, |(_, item, _)| item.user_id),
        &column(lines, |(event_id, _, _)| *event_id),
        &column(lines, |(_, item, _)| item.kind.to_owned()),
        &column(lines, |(_, item, _)| item.data.clone()),
        &column(lines, |(_, _, occurred_at)| *occurred_at),
        &column(entries, |entry| entry.account_id),
        &column(entries, |entry| entry.amount_minor),
        live::CHANNEL,
        &live::notices(lines.iter().map(|(_, item, _)| item.user_id)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
