//! What is not needed any more is not kept.

use chrono::{Duration, Utc};
use sqlx::PgPool;

use crate::store::refresh_tokens;

/// A family that is over is kept for a day, so that a late use of its tokens is still known for what it is.
pub async fn forget_ended(pool: PgPool) -> sqlx::Result<()> {
    let before = Utc::now() - Duration::days(1);
    refresh_tokens::forget_ended(&mut *pool.acquire().await?, before).await?;
    Ok(())
}
