//! Drives on what a crash, a timeout or an outage has left pending. Any number of replicas may do it at the same time.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{domain::Transaction, settler::Settler, store};

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
    let mut db = pool.acquire().await?;
    let mut pending = store::take_pending(&mut db, BATCH.into(), LEASE_S).await?;
    let ids: Vec<_> = pending.iter().map(|transaction| transaction.id).collect();
    let atomic = store::batches::atomic_batches(&mut db, &ids).await?;
    pending.retain(|transaction| !atomic.contains_key(&transaction.id));
    let mut ended = recover_batches(&mut db, settler, atomic.into_values().collect()).await?;
    // It goes back before the wait for the ledger.
    drop(db);
    let driving: Vec<_> = pending
        .into_iter()
        .map(|transaction| {
            let settler = settler.clone();
            tokio::spawn(async move { settler.settle(transaction).await })
        })
        .collect();
    for driven in driving {
        ended += usize::from(matches!(driven.await, Ok(Ok(_))));
    }
    Ok(ended)
}

/// Batches in which all are done or none: whichever of its members was found, all of a batch go together.
async fn recover_batches(
    db: &mut PgConnection,
    settler: &Settler,
    batch_ids: BTreeSet<Uuid>,
) -> sqlx::Result<usize> {
    let mut ended = 0;
    for batch_id in batch_ids {
        let members = store::batches::members(db, batch_id).await?;
        let members: Vec<_> = members.into_iter().map(|member| member.transaction).collect();
        // They end in one commit, so one that is not pending says that none is.
        if members.iter().any(Transaction::is_final) {
            continue;
        }
        let answers = settler.settle_all_or_none(members).await;
        ended += answers.iter().filter(|answer| answer.is_ok()).count();
    }
    Ok(ended)
}
