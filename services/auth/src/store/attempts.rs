//! What was tried lately: counts for rate limits, and wrong passwords in a row.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::domain::limits::Limit;
use crate::domain::standing::Failures;

/// Counts one more try under each limit, and says whether one is passed by it. A count need not outlive a crash of the
/// database, so its commit does not wait for the disk.
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
             FROM counted JOIN unnest($1::bytea[], $3::integer[]) AS bound (key, most) USING (key)
                  CROSS JOIN set_config('synchronous_commit', 'off', true)"#,
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

/// What is known before a password is looked at: when this device was last seen at the user's, and the wrong passwords in
/// a row, counted for the device if it is known, or else for all that are not.
pub async fn history(
    conn: &mut PgConnection,
    user_id: Uuid,
    device: &[u8],
    (subject_if_known, subject_if_not): (&[u8], &[u8]),
) -> sqlx::Result<(Option<DateTime<Utc>>, Failures)> {
    let row = query!(
        r#"SELECT seen.at AS "seen_at?", f.failures AS "count?", f.last_failed_at AS "last_failed_at?"
             FROM (SELECT (SELECT last_seen_at FROM devices WHERE user_id = $1 AND device = $2) AS at) AS seen
             LEFT JOIN failed_logins f ON f.subject = CASE WHEN seen.at IS NULL THEN $4::bytea ELSE $3::bytea END"#,
        user_id,
        device,
        subject_if_known,
        subject_if_not
    )
    .fetch_one(conn)
    .await?;
    let failures = row
        .count
        .zip(row.last_failed_at)
        .map(|(count, last_at)| Failures { count, last_at })
        .unwrap_or_default();
    Ok((row.seen_at, failures))
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
