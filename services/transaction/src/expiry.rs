//! Lets holds and payment requests expire whose time is over. Any number of replicas may do it at the same time: each ends
//! once.

use std::time::Duration;

use chrono::{SubsecRound, Utc};
use outbox::Relay;
use server::Background;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{About, Kind, Order, Transaction},
    events::payment_request_changed,
    settler::Settler,
    store,
};

/// How often they are looked through.
const PERIOD: Duration = Duration::from_secs(1);
/// The ledger has the last word on the time, and its clock may be a little behind.
const LATER_S: f64 = 1.0;
const BATCH: i64 = 200;

/// Does it in the background.
pub fn start(background: &Background, pool: PgPool, settler: Settler, relay: Relay) {
    let holds = pool.clone();
    background.every(PERIOD, "expiry of holds", move || {
        let (pool, settler) = (holds.clone(), settler.clone());
        async move { expire(&pool, &settler).await.map(drop) }
    });
    background.every(PERIOD, "expiry of payment requests", move || {
        let (pool, relay) = (pool.clone(), relay.clone());
        async move {
            if expire_payment_requests(&pool).await? > 0 {
                relay.wake();
            }
            anyhow::Ok(())
        }
    });
}

/// One round; says how many payment requests have expired.
pub async fn expire_payment_requests(pool: &PgPool) -> anyhow::Result<usize> {
    let mut tx = pool.begin().await?;
    let expired = store::payment_requests::expire(&mut tx, BATCH).await?;
    let events: Result<Vec<_>, _> = expired.iter().map(payment_request_changed).collect();
    outbox::enqueue_all(&mut tx, &events?).await?;
    tx.commit().await?;
    Ok(expired.len())
}

/// One round; says how many holds were released.
pub async fn expire(pool: &PgPool, settler: &Settler) -> sqlx::Result<usize> {
    let mut db = pool.acquire().await?;
    let due = store::holds::due(&mut db, LATER_S, BATCH).await?;
    let mut expiries = Vec::new();
    for hold in store::by_ids(&mut db, &due).await? {
        let expiry = expiry_of(hold);
        // Another replica, or a capture at the last moment, may have been first.
        if store::insert(&mut db, std::slice::from_ref(&expiry), None).await? == 1 {
            expiries.push(expiry);
        }
    }
    drop(db);
    let answers = settler.settle_each(expiries).await;
    Ok(answers.iter().filter(|answer| answer.is_ok()).count())
}

fn expiry_of(hold: Transaction) -> Transaction {
    let order = Order {
        kind: Kind::Expiry,
        about: About::Hold(hold.id),
        ..hold.order
    };
    Transaction {
        id: Uuid::now_v7(),
        order,
        created_at: Utc::now().trunc_subsecs(6),
        state: crate::domain::State::Pending,
    }
}
