//! Announces the statements of months that are over: `STATEMENT_READY`, once for each account that something moved in the
//! month. An account without an entry has none: its statement would say nothing, though it can be asked for.
//!
//! Months are gone through one after the other, and in each the accounts by their ids. How far that is stands in a row that the
//! commit of the events moves on, so whoever starts late goes on from there, and replicas take turns.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use money::Money;
use outbox::Relay;
use server::Background;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::Month;
use crate::events::StatementReady;
use crate::store::history;
use crate::store::statements::{self, Candidate, Progress};

const PERIOD: Duration = Duration::from_secs(10);
/// How many accounts one transaction looks at.
const BATCH: u16 = 200;
/// A turn is over well within the time to drain.
const BATCHES: usize = 10;
/// With this many a turn ends: 20 a second, which is how fast Email sends by default. Mails about money wait in the same queue, and
/// should not have to wait for a whole month's statements.
const ENOUGH: usize = BATCH as usize;
/// A posting of the month's last moment may be committed a little after it, and the database's clock may be behind. No request
/// and no clock takes nearly as long as this.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Announces in the background.
pub fn start(background: &Background, pool: PgPool, relay: Relay) {
    background.every(PERIOD, "announcing statements", move || {
        let (pool, relay) = (pool.clone(), relay.clone());
        async move {
            if announce(&pool, Utc::now()).await? > 0 {
                relay.wake();
            }
            anyhow::Ok(())
        }
    });
}

/// One turn: the next accounts of months that are over `now`, up to a number. Says how many statements were announced.
pub async fn announce(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<usize> {
    let mut announced = 0;
    for _ in 0..BATCHES {
        match announce_batch(pool, now).await? {
            Some(count) => announced += count,
            None => break,
        }
        if announced >= ENOUGH {
            break;
        }
    }
    Ok(announced)
}

/// None: no month is over that was not gone through, or another replica is at it.
async fn announce_batch(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<Option<usize>> {
    let mut tx = pool.begin().await?;
    let Some(Progress { month, after }) = statements::take_turn(&mut tx).await? else {
        return Ok(None);
    };
    let late = now - (month.end() + GRACE);
    metrics::gauge!("statements_lag_seconds").set(late.max(TimeDelta::zero()).as_seconds_f64());
    if late < TimeDelta::zero() {
        // Left to the pool, the turn would end some time later.
        tx.rollback().await?;
        return Ok(None);
    }
    let accounts = statements::candidates(&mut tx, after, month.end(), BATCH.into()).await?;
    let moved = moved_in(&mut tx, month, &accounts).await?;
    let ids: Vec<_> = moved.iter().map(|statement| statement.account_id).collect();
    let new = statements::note_announced(&mut tx, &ids, month).await?;
    let events = moved
        .iter()
        .filter(|statement| new.contains(&statement.account_id))
        .map(|statement| statement.event(now))
        .collect::<Result<Vec<_>, _>>()?;
    outbox::enqueue_all(&mut tx, &events).await?;
    let next = match accounts.last() {
        Some(last) if accounts.len() == usize::from(BATCH) => Progress {
            month,
            after: last.id,
        },
        _ => Progress {
            month: Month::of(month.end()),
            after: Uuid::nil(),
        },
    };
    statements::set_progress(&mut tx, &next).await?;
    tx.commit().await?;
    if next.month != month {
        tracing::info!(%month, "all statements of the month are announced");
    }
    metrics::counter!("statements_announced_total").increment(events.len() as u64);
    Ok(Some(events.len()))
}

/// Those of the accounts that have entries in the month, with the balances around these.
async fn moved_in(
    db: &mut PgConnection,
    month: Month,
    accounts: &[Candidate],
) -> sqlx::Result<Vec<StatementReady>> {
    let ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
    let (before, last) = month.bounds();
    let openings = history::all_at(db, &ids, before).await?;
    let closings = history::all_at(db, &ids, last).await?;
    let statements = accounts.iter().zip(openings.iter().zip(&closings));
    Ok(statements
        .filter(|(_, (opening, closing))| opening.sequence < closing.sequence)
        .map(|(account, (opening, closing))| {
            let money = |amount_minor| Money {
                amount_minor,
                currency: account.currency,
            };
            StatementReady {
                user_id: account.owner,
                account_id: account.id,
                month: month.to_string(),
                opening: money(opening.balance),
                closing: money(closing.balance),
            }
        })
        .collect())
}
