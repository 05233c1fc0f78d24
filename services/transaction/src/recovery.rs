//! Drives on what a crash, a timeout or an outage has left pending. Any number of replicas may do it at the same time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{settler::Settler, store};
use sqlx::PgPool;

const PERIOD: Duration = Duration::from_secs(1);
/// Fits the settler's queue, beside what requests bring.
const BATCH: u16 = 500;
/// Longer than a call to the ledger may take, so that no other worker sends the same one meanwhile.
const LEASE_S: f64 = 5.0;

/// Runs until `stop`.
pub async fn run(pool: PgPool, settler: Settler, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // A round is as short as a call to the ledger, so a stop waits for it.
        match recover(&pool, &settler).await {
            Ok(0) => {}
            Ok(recovered) => {
                tracing::info!(recovered, "pending transactions were driven to their end");
                // After an outage more are waiting; while it lasts, none is recovered, and the pause stays.
                if recovered == usize::from(BATCH) {
                    ticks.reset_immediately();
                }
            }
            Err(error) => tracing::warn!(%error, "pending transactions can't be read"),
        }
    }
}

/// One round; says how many transactions reached their end.
pub async fn recover(pool: &PgPool, settler: &Settler) -> sqlx::Result<usize> {
    let pending = store::take_pending(&mut *pool.acquire().await?, BATCH.into(), LEASE_S).await?;
    let driving: Vec<_> = pending
        .into_iter()
        .map(|transaction| {
            let settler = settler.clone();
            tokio::spawn(async move { settler.settle(transaction).await })
        })
        .collect();
    let mut ended = 0;
    for driven in driving {
        ended += usize::from(matches!(driven.await, Ok(Ok(_))));
    }
    Ok(ended)
}
