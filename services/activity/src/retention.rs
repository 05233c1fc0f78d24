//! Feeds forget; the audit log does not.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sqlx::PgPool;

use crate::store::feed::forget;

pub const PERIOD: Duration = Duration::from_mins(10);
/// Small enough to be in nobody's way.
const CHUNK: i64 = 1_000;

/// Deletes the lines of feeds that are older than this, in chunks.
pub async fn forget_old_lines(pool: PgPool, days: u32) -> sqlx::Result<()> {
    let cutoff = Utc::now() - TimeDelta::days(days.into());
    while forget(&mut *pool.acquire().await?, cutoff, CHUNK).await? > 0 {}
    Ok(())
}
