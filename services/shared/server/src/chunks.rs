//! Deleting much without being in anybody's way.

use sqlx::{PgConnection, PgPool};

/// Small enough to hold its locks for milliseconds.
const CHUNK: i64 = 1_000;
/// A turn is over well within the time to drain.
const CHUNKS: usize = 100;

/// One turn of forgetting: has `delete` take rows, 1,000 at most each time, until it says that it found fewer, 100 times at most. What
/// is left is for the next turn.
pub async fn forget_in_chunks(
    pool: PgPool,
    delete: impl AsyncFn(&mut PgConnection, i64) -> sqlx::Result<u64>,
) -> sqlx::Result<()> {
    let mut conn = pool.acquire().await?;
    for _ in 0..CHUNKS {
        if delete(&mut conn, CHUNK).await? < CHUNK.unsigned_abs() {
            break;
        }
    }
    Ok(())
}
