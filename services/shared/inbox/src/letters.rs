//! The table of dead letters. Every function takes a connection; the caller owns the transaction.

use chrono::{DateTime, Utc};
use page::Place;
use sqlx::{FromRow, PgConnection, query, query_as};
use uuid::Uuid;

/// An event that is put aside.
pub struct Letter<'a> {
    /// None in what is no event.
    pub event_id: Option<Uuid>,
    pub topic: &'a str,
    pub payload: Vec<u8>,
    pub reason: String,
    /// Whether another attempt may help.
    pub again: bool,
}

#[derive(FromRow)]
pub struct Row {
    pub id: Uuid,
    pub event_id: Option<Uuid>,
    pub topic: String,
    pub payload: Vec<u8>,
    pub reason: String,
    pub attempts: i32,
    pub first_failed_at: DateTime<Utc>,
    pub last_failed_at: DateTime<Utc>,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Which letters: of one topic or all; those that wait for an attempt, for an operator, or both.
#[derive(Default)]
pub struct Which<'a> {
    pub topic: Option<&'a str>,
    pub waiting: Option<bool>,
}

/// A delivery of an event that is here already changes nothing.
pub async fn put_aside(conn: &mut PgConnection, letter: &Letter<'_>) -> sqlx::Result<()> {
    query(
        "INSERT INTO dead_letters (id, event_id, topic, payload, reason, attempts, first_failed_at, last_failed_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, 1, now(), now(), CASE WHEN $6 THEN now() + interval '1 second' END)
         ON CONFLICT DO NOTHING",
    )
    .bind(Uuid::now_v7())
    .bind(letter.event_id)
    .bind(letter.topic)
    .bind(&letter.payload)
    .bind(&letter.reason)
    .bind(letter.again)
    .execute(conn)
    .await?;
    Ok(())
}

/// The letter that has been due the longest, for this transaction alone.
pub async fn next_due(conn: &mut PgConnection) -> sqlx::Result<Option<Row>> {
    query_as(
        "SELECT * FROM dead_letters WHERE next_attempt_at <= now()
          ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .fetch_optional(conn)
    .await
}

/// Another attempt has failed; the next one comes after `pause_s` seconds, or only by an operator's word.
pub async fn failed(
    conn: &mut PgConnection,
    id: Uuid,
    reason: &str,
    pause_s: Option<i32>,
) -> sqlx::Result<()> {
    query(
        "UPDATE dead_letters SET attempts = attempts + 1, reason = $2, last_failed_at = now(),
                                 next_attempt_at = now() + make_interval(secs => $3)
          WHERE id = $1",
    )
    .bind(id)
    .bind(reason)
    .bind(pause_s.map(f64::from))
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a letter, because it took effect or nobody wants it to; `false` if there is none.
pub async fn remove(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let removed = query("DELETE FROM dead_letters WHERE id = $1")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(removed.rows_affected() == 1)
}

/// Has the letters tried again now, from the first attempt on, and says how many they are.
pub async fn replay(conn: &mut PgConnection, id: Option<Uuid>, which: &Which<'_>) -> sqlx::Result<u64> {
    let replayed = query(
        "UPDATE dead_letters SET attempts = 0, next_attempt_at = now()
          WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR topic = $2)
            AND ($3::bool IS NULL OR (next_attempt_at IS NOT NULL) = $3)",
    )
    .bind(id)
    .bind(which.topic)
    .bind(which.waiting)
    .execute(conn)
    .await?;
    Ok(replayed.rows_affected())
}

pub async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Row>> {
    query_as("SELECT * FROM dead_letters WHERE id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await
}

/// At most `limit` letters beside `place`, the newest first.
pub async fn list(
    conn: &mut PgConnection,
    which: &Which<'_>,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    let (back, key) = (place.is_back(), place.key());
    query_as(
        "SELECT * FROM (
             SELECT * FROM dead_letters
              WHERE ($1::text IS NULL OR topic = $1) AND ($2::bool IS NULL OR (next_attempt_at IS NOT NULL) = $2)
                AND ($3::uuid IS NULL OR CASE WHEN $4 THEN id > $3 ELSE id < $3 END)
              ORDER BY CASE WHEN $4 THEN id END, CASE WHEN NOT $4 THEN id END DESC LIMIT $5
         ) AS page ORDER BY id DESC",
    )
    .bind(which.topic)
    .bind(which.waiting)
    .bind(key)
    .bind(back)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// How many there are, as (those that wait for an attempt, those that wait for an operator).
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    query_as("SELECT count(next_attempt_at), count(*) - count(next_attempt_at) FROM dead_letters")
        .fetch_one(conn)
        .await
}
