use sqlx::{PgConnection, PgPool, query};

/// As long as the broker could deliver an event again, which must find that its mail was sent.
const KEEP_DAYS: i32 = 30;
/// Small enough to hold its locks for milliseconds.
const CHUNK: i64 = 1_000;
/// A turn is over well within the time to drain.
const CHUNKS: usize = 100;

/// Forgets the mails that were finished more than 30 days ago, as many as one turn may take. Any number of replicas may do it
/// at the same time.
pub async fn forget_old(pool: PgPool) -> sqlx::Result<()> {
    let mut conn = pool.acquire().await?;
    for _ in 0..CHUNKS {
        if forget_chunk(&mut conn).await? < CHUNK.unsigned_abs() {
            break;
        }
    }
    Ok(())
}

async fn forget_chunk(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let forgotten = query!(
        "DELETE FROM mails WHERE id IN (
             SELECT id FROM mails WHERE finished_at < now() - make_interval(days => $1)
             ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        KEEP_DAYS,
        CHUNK
    );
    Ok(forgotten.execute(conn).await?.rows_affected())
}
