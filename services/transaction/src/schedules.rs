//! Makes the transfers of schedules whose date has come. Any number of replicas may do it at the same time: a schedule is
//! taken by one, and its transfer and its next date are written in one commit. What a crash leaves pending after it,
//! recovery drives on.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::{
    AppState,
    domain::{Failure, State},
    people::People,
    store,
};

/// How often schedules are looked through.
pub const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 200;
const ASKED_AT_ONCE: usize = 16;

/// One round, for what is due at `now`; says for how many dates it was. Whose user is disabled or deleted is not paid: the
/// date passes, with a run that says why.
pub async fn pay_due(app: &AppState, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let payers = store::schedules::due_payers(&mut *app.pool.acquire().await?, now, BATCH).await?;
    if payers.is_empty() {
        return Ok(0);
    }
    let known = ask_for(&app.people, payers).await;
    let payers: Vec<_> = known.keys().copied().collect();
    // PostgreSQL keeps microseconds.
    let now = now.trunc_subsecs(6);
    let mut tx = app.pool.begin().await?;
    let mut begun = Vec::new();
    for schedule in store::schedules::take_due(&mut tx, now, &payers, BATCH).await? {
        let due = schedule.next.and_then(|next| schedule.dates.due(now, next.run));
        if let Some(due) = due {
            let id = Uuid::now_v7();
            let may_pay = known.get(&schedule.user) == Some(&true);
            let failure = (!may_pay).then_some(Failure::PayerDisabled);
            store::schedules::begin_run(&mut tx, id, &schedule, (due.run, failure), now).await?;
            begun.push(id);
        }
        store::schedules::update(&mut tx, &schedule.advanced(now)).await?;
    }
    let mut transactions = store::by_ids(&mut tx, &begun).await?;
    tx.commit().await?;
    transactions.retain(|transaction| transaction.state == State::Pending);
    // Whatever becomes of them, each is kept where its schedule shows it.
    app.settler.settle_each(transactions).await;
    Ok(begun.len())
}

/// Whether each of them may still pay. Of whom Auth does not tell now waits for a later round.
async fn ask_for(people: &People, payers: Vec<Uuid>) -> HashMap<Uuid, bool> {
    let mut known = HashMap::new();
    for some in payers.chunks(ASKED_AT_ONCE) {
        let answers = join_all(some.iter().map(|payer| people.by_id(*payer))).await;
        let all_told = answers.iter().all(Result::is_ok);
        let told = some.iter().zip(answers);
        known.extend(told.filter_map(|(payer, found)| Some((*payer, found.ok()?.is_some()))));
        if !all_told {
            break;
        }
    }
    known
}
