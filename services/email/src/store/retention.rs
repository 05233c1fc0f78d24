use sqlx::{PgConnection, PgPool, query};

/// As long as the broker could deliver an event again, which must find that its mail was sent.
const KEEP_DAYS: i32 = 30;

/// Forgets the mails that were finished more than 30 days ago, as many as one turn may take. Any number of replicas may do it
/// at the same time.
pub async fn forget_old(pool: PgPool) -> sqlx::Result<()> {
    server::forget_in_chunks(pool, forget_chunk).await
}

async fn forget_chunk(conn: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let forgotten = query!(
        "DELETE FROM mails WHERE id IN (
             SELECT id FROM mails WHERE finished_at < now() - make_interval(days => $1)
             ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        KEEP_DAYS,
        limit
    );
    Ok(forgotten.execute(conn).await?.rows_affected())
}
