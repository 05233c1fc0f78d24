//! The inbox forgets what no broker would deliver again.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

/// How often to call [`forget_old`].
pub const FORGET_PERIOD: Duration = Duration::from_mins(1);
/// Longer than a broker keeps a message, and than somebody takes to send dead letters again.
const KEEP_DAYS: i32 = 30;

/// Forgets the deliveries of more than 30 days ago, as many as one turn may take. Any number of replicas may do it at the
/// same time.
pub async fn forget_old(pool: PgPool) -> sqlx::Result<()> {
    server::forget_in_chunks(pool, forget_chunk).await
}

/// Forgets the oldest of these deliveries, `limit` at most, and says how many. Replicas pass over what another is deleting.
pub async fn forget_chunk(conn: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let forgotten = sqlx::query(
        "DELETE FROM inbox WHERE event_id IN (
             SELECT event_id FROM inbox WHERE received_at < now() - make_interval(days => $1)
             ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
    )
    .bind(KEEP_DAYS)
    .bind(limit)
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}
