//! Makes the transfers of schedules whose date has come. Any number of replicas may do it at the same time: a schedule is
//! taken by one, and its transfer and its next date are written in one commit. What a crash leaves pending after it,
//! recovery drives on.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{settler::Settler, store};

/// How often schedules are looked through.
pub const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 200;

/// One round, for what is due at `now`; says how many transfers it has begun.
pub async fn pay_due(pool: &PgPool, settler: &Settler, now: DateTime<Utc>) -> sqlx::Result<usize> {
    // PostgreSQL keeps microseconds.
    let now = now.trunc_subsecs(6);
    let mut tx = pool.begin().await?;
    let mut begun = Vec::new();
    for schedule in store::schedules::take_due(&mut tx, now, BATCH).await? {
        let due = schedule.next.and_then(|next| schedule.dates.due(now, next.run));
        if let Some(due) = due {
            let id = Uuid::now_v7();
            store::schedules::begin_run(&mut tx, id, &schedule, due.run, now).await?;
            begun.push(id);
        }
        store::schedules::update(&mut tx, &schedule.advanced(now)).await?;
    }
    let transactions = store::by_ids(&mut tx, &begun).await?;
    tx.commit().await?;
    // Whatever becomes of them, each is kept where its schedule shows it.
    settler.settle_each(transactions).await;
    Ok(begun.len())
}
