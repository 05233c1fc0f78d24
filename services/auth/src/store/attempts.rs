//! What was tried lately: counts for rate limits, and wrong passwords in a row.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as, query_scalar};

use crate::domain::limits::Limit;
use crate::domain::standing::Failures;

/// Counts one more try under each limit, and says whether one is passed by it.
pub async fn count(conn: &mut PgConnection, limits: &[Limit], window: DateTime<Utc>) -> sqlx::Result<bool> {
    // In one order for all, so that two who count the same can't wait for each other.
    let mut limits: Vec<_> = limits.iter().collect();
    limits.sort_by_key(|limit| &limit.key);
    let keys: Vec<_> = limits.iter().map(|limit| limit.key.clone()).collect();
    let most: Vec<_> = limits
        .iter()
        .map(|limit| i32::try_from(limit.most).unwrap_or(i32::MAX))
        .collect();
    query_scalar!(
        r#"WITH counted AS (
             INSERT INTO attempts AS a (key, window_start, count)
             SELECT key, $2, 1 FROM unnest($1::bytea[]) AS key
             ON CONFLICT (key) DO UPDATE SET
               count = CASE WHEN a.window_start = $2 THEN a.count + 1 ELSE 1 END, window_start = $2
             RETURNING key, count)
           SELECT COALESCE(bool_or(counted.count > bound.most), false) AS "passed!"
             FROM counted JOIN unnest($1::bytea[], $3::integer[]) AS bound (key, most) USING (key)"#,
        &keys,
        window,
        &most
    )
    .fetch_one(conn)
    .await
}

/// As [`count`], and gives the count: for what is noticed when it reaches a bound.
pub async fn count_one(conn: &mut PgConnection, key: &[u8], window: DateTime<Utc>) -> sqlx::Result<i32> {
    query_scalar!(
        "INSERT INTO attempts AS a (key, window_start, count) VALUES ($1, $2, 1)
         ON CONFLICT (key) DO UPDATE SET
           count = CASE WHEN a.window_start = $2 THEN a.count + 1 ELSE 1 END, window_start = $2
         RETURNING count",
        key,
        window
    )
    .fetch_one(conn)
    .await
}

pub async fn failures(conn: &mut PgConnection, subject: &[u8]) -> sqlx::Result<Failures> {
    let found = query_as!(
        Failures,
        "SELECT failures AS count, last_failed_at AS last_at FROM failed_logins WHERE subject = $1",
        subject
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Counts a wrong password, or, with nothing to add, only takes as long. A day without one forgets the others.
pub async fn add_failure(
    conn: &mut PgConnection,
    subject: &[u8],
    more: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Failures> {
    query_as!(
        Failures,
        r#"INSERT INTO failed_logins AS f (subject, failures, last_failed_at) VALUES ($1, $2, $3)
           ON CONFLICT (subject) DO UPDATE SET
             failures = CASE WHEN f.last_failed_at < $3 - interval '1 day' THEN $2 ELSE f.failures + $2 END,
             last_failed_at = CASE WHEN $2 = 0 THEN f.last_failed_at ELSE $3 END
           RETURNING failures AS count, last_failed_at AS last_at"#,
        subject,
        more,
        now
    )
    .fetch_one(conn)
    .await
}

pub async fn forget_failures(conn: &mut PgConnection, subjects: &[Vec<u8>]) -> sqlx::Result<()> {
    query!("DELETE FROM failed_logins WHERE subject = ANY($1)", subjects)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets what was counted before `before`.
pub async fn forget_old(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<()> {
    query!("DELETE FROM attempts WHERE window_start < $1", before)
        .execute(&mut *conn)
        .await?;
    query!("DELETE FROM failed_logins WHERE last_failed_at < $1", before)
        .execute(conn)
        .await?;
    Ok(())
}
