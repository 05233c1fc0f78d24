//! Feeds forget; the audit log does not.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::store::feed::forget;

pub const PERIOD: Duration = Duration::from_mins(1);

/// Deletes the lines of feeds that are older than this, as many as one turn may take.
pub async fn forget_old_lines(pool: PgPool, days: u32) -> sqlx::Result<()> {
    let cutoff = Utc::now() - TimeDelta::days(days.into());
    server::forget_in_chunks(pool, async move |conn: &mut PgConnection, limit| {
        forget(conn, cutoff, limit).await
    })
    .await
}
