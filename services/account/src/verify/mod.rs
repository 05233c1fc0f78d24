//! Recomputes all that the books promise, from one snapshot, and names the first difference of each kind.
//!
//! It reads only and locks nothing: postings go on beside it, and are not seen.

mod command;
mod report;

use std::time::Instant;

use chain::Head;
use chrono::Utc;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use crate::store::{
    seals,
    verify::{self as checks, Found},
};
pub use command::command;
pub use report::{Check, Counts, Difference, Report};

/// How much of the chain is read at a time: a link has at most a thousand postings.
const LINKS_AT_A_TIME: i64 = 50;

/// The books as they are at one moment.
pub struct Snapshot {
    tx: Transaction<'static, Postgres>,
}

impl Snapshot {
    /// `None`: another verification runs, in this replica or elsewhere.
    pub async fn take(pool: &PgPool) -> sqlx::Result<Option<Self>> {
        let mut tx = pool
            .begin_with("begin isolation level repeatable read, read only")
            .await?;
        Ok(checks::begin(&mut tx).await?.then_some(Self { tx }))
    }

    /// Checks everything. With a head that was kept earlier, also that it is still in the chain.
    pub async fn verify(mut self, kept: Option<&Head>) -> sqlx::Result<Report> {
        let (started_at, clock) = (Utc::now(), Instant::now());
        let db = &mut *self.tx;
        let counts = checks::counts(db).await?;
        let mut differences = balance_differences(db).await?;
        differences.extend(named(Check::Limits, checks::limits(db).await?));
        differences.extend(named(Check::Held, checks::held(db).await?));
        differences.extend(named(Check::Holds, checks::holds(db).await?));
        differences.extend(named(Check::ChainMembers, checks::members(db).await?));
        let (head, broken) = walk_chain(db).await?;
        differences.extend(named(Check::ChainHashes, broken));
        if let Some(kept) = kept {
            differences.extend(named(Check::KeptHead, missing(db, kept).await?));
        }
        // Left to the pool, the snapshot and the lock would end some time later.
        self.tx.commit().await?;
        Ok(Report {
            started_at,
            took_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            counts: counts.into(),
            head,
            differences,
        })
    }
}

/// Verifies now, or says that another verification runs.
pub async fn verify(pool: &PgPool, kept: Option<&Head>) -> anyhow::Result<Report> {
    let Some(snapshot) = Snapshot::take(pool).await? else {
        anyhow::bail!("another verification runs");
    };
    Ok(snapshot.verify(kept).await?)
}

async fn balance_differences(db: &mut PgConnection) -> sqlx::Result<Vec<Difference>> {
    let found = [
        (Check::RunningBalances, checks::running_balances(db).await?),
        (Check::AccountBalances, checks::account_balances(db).await?),
        (Check::Legs, checks::legs(db).await?),
        (Check::Postings, checks::postings(db).await?),
        (Check::Sums, checks::sums(db).await?),
    ];
    Ok(found
        .into_iter()
        .filter_map(|(check, found)| named(check, found))
        .collect())
}

fn named(check: Check, found: Option<Found>) -> Option<Difference> {
    found.map(|found| Difference {
        check,
        place: found.place,
        expected: found.expected,
        found: found.found,
    })
}

/// Recomputes the chain from its beginning. Gives its head, or the last link before the first that is not what it should be.
async fn walk_chain(db: &mut PgConnection) -> sqlx::Result<(Head, Option<Found>)> {
    let mut head = Head::GENESIS;
    loop {
        let links = seals::after(db, head.number, LINKS_AT_A_TIME).await?;
        if links.is_empty() {
            return Ok((head, None));
        }
        for link in links {
            let expected = head.then(&link.digest);
            if link.number != expected.number || link.hash != expected.hash {
                let stored = stored(link.number, &link.hash);
                return Ok((head, Some(unequal(&expected, stored))));
            }
            head = expected;
        }
    }
}

/// Whether a head that was kept earlier is gone: the chain was cut off or written anew.
async fn missing(db: &mut PgConnection, kept: &Head) -> sqlx::Result<Option<Found>> {
    if *kept == Head::GENESIS {
        return Ok(None);
    }
    Ok(match seals::hash_of(db, kept.number).await? {
        Some(hash) if hash == kept.hash => None,
        Some(hash) => Some(unequal(kept, stored(kept.number, &hash))),
        None => Some(unequal(kept, "no such seal".to_owned())),
    })
}

fn unequal(expected: &Head, found: String) -> Found {
    Found {
        place: format!("seal {}", expected.number),
        expected: expected.to_string(),
        found,
    }
}

fn stored(number: i64, hash: &[u8]) -> String {
    hash.try_into().map_or_else(
        |_| format!("{number}: a hash of {} bytes", hash.len()),
        |hash| Head { number, hash }.to_string(),
    )
}
