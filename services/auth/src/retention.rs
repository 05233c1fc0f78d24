//! What is not needed any more is not kept.

use chrono::{Duration, Utc};
use sqlx::PgPool;

use crate::store::{attempts, devices, sessions};

/// Sessions are kept for a month after their end, so that a late question about one can be answered.
pub async fn forget_old(pool: PgPool) -> sqlx::Result<()> {
    let now = Utc::now();
    let mut conn = pool.acquire().await?;
    attempts::forget_old(&mut conn, now - Duration::days(1)).await?;
    devices::forget_old(&mut conn, now - Duration::days(365)).await?;
    sessions::forget_old(&mut conn, now - Duration::days(30)).await
}
