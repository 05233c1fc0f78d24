//! Forgets idempotency keys after a while, so that their table stays as large as what those days bring. A request under a
//! forgotten key is a new one.
//!
//! Rows are deleted in chunks instead of dropped with a partition: a key is unique among all of its user's, and PostgreSQL
//! keeps that over partitions only if the partition's time is a part of the key, when it would not be unique any more.

use std::time::Duration;

use anyhow::Context;
use server::{Background, forget_in_chunks};
use sqlx::{PgConnection, PgPool};

/// Each replica may delete 100,000 keys in this time, which keeps up with 1,600 transactions per second.
const PERIOD: Duration = Duration::from_mins(1);
/// What clients are promised.
const AT_LEAST_DAYS: i32 = 7;

/// Forgets in the background what is older than `IDEMPOTENCY_RETENTION_DAYS`: 7 by default, and no less.
pub fn start(background: &Background, pool: PgPool) -> anyhow::Result<()> {
    let days = keep_days(std::env::var("IDEMPOTENCY_RETENTION_DAYS").ok().as_deref())?;
    background.every(PERIOD, "forgetting old idempotency keys", move || {
        forget_in_chunks(pool.clone(), async move |db: &mut PgConnection, limit| {
            forget_chunk(db, days, limit).await
        })
    });
    Ok(())
}

fn keep_days(text: Option<&str>) -> anyhow::Result<i32> {
    let days = text.map_or(Ok(AT_LEAST_DAYS), str::parse);
    let days = days.context("IDEMPOTENCY_RETENTION_DAYS has to be a number of days")?;
    anyhow::ensure!(
        days >= AT_LEAST_DAYS,
        "IDEMPOTENCY_RETENTION_DAYS has to be {AT_LEAST_DAYS} or more, not {days}"
    );
    Ok(days)
}

/// Forgets the oldest answered keys, `limit` at most, and says how many. One without an answer stays, however old: its
/// transaction is still to be driven to its end. Replicas pass over what another is deleting.
pub async fn forget_chunk(db: &mut PgConnection, keep_days: i32, limit: i64) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "delete from idempotency_keys where (user_id, key) in (
             select user_id, key from idempotency_keys
             where created_at < now() - make_interval(days => $1) and answer_status is not null
             order by created_at limit $2 for update skip locked
         )",
        keep_days,
        limit,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_for_a_week_at_least() {
        assert_eq!(keep_days(None).unwrap(), 7);
        assert_eq!(keep_days(Some("30")).unwrap(), 30);
        for bad in ["6", "0", "-7", "", "week", "3000000000"] {
            assert!(keep_days(Some(bad)).is_err(), "{bad}");
        }
    }
}
