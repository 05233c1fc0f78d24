//! Seals what is committed into the chain, off the hot path: postings never wait for it, and it locks no account.

use sqlx::PgPool;

use crate::store::seals;

/// The most that one transaction seals. A batch has at most a thousand postings, so the memory for it is bounded too.
const MOST_BATCHES: i64 = 200;

/// Seals all that waits. It may end early because another replica is at it.
pub async fn seal_waiting(pool: &PgPool) -> sqlx::Result<()> {
    while seal_some(pool).await? {}
    Ok(())
}

/// One turn: a seal for each batch that waits, up to a number. Says whether there may be more.
async fn seal_some(pool: &PgPool) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    if !seals::take_turn(&mut tx).await? {
        return Ok(false);
    }
    let mut head = seals::head(&mut tx).await?;
    let waiting = seals::waiting(&mut tx, MOST_BATCHES).await?;
    if waiting.is_empty() {
        // Left to the pool, the turn would end some time later.
        tx.rollback().await?;
        return Ok(false);
    }
    let links: Vec<_> = waiting
        .iter()
        .map(|batch| {
            head = head.then(&batch.digest);
            (batch.number, head)
        })
        .collect();
    seals::seal(&mut tx, &links).await?;
    tx.commit().await?;
    Ok(waiting.len() == usize::try_from(MOST_BATCHES).unwrap_or(usize::MAX))
}
