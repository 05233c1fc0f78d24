//! Devices that a user has logged in from.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query};
use uuid::Uuid;

pub async fn note(
    conn: &mut PgConnection,
    user_id: Uuid,
    device: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO devices (user_id, device, last_seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, device) DO UPDATE SET last_seen_at = $3",
        user_id,
        device,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets devices that were not seen since `before`.
pub async fn forget_old(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<()> {
    query!("DELETE FROM devices WHERE last_seen_at < $1", before)
        .execute(conn)
        .await?;
    Ok(())
}
