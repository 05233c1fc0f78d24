//! The auditor, which trusts nobody: it adds up what `TRANSACTION_MADE` tells, and nothing else, and compares the sums with
//! the balances of the ledger. Any number of replicas may do so; they take turns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use identity::Identity;
use server::Background;
use sidecar::Sidecar;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::config::Config;
use crate::domain::audit::{Account, Finding, Kind, side_by_side};
use crate::ledger::Ledger;
use crate::store::audit::{self, Pass, Turn};

const FOLD_PERIOD: Duration = Duration::from_secs(1);
/// Entries that are added up in one transaction, and the most of these in one go.
const FOLD_BATCH: i64 = 10_000;
const FOLD_BATCHES: u32 = 50;
/// Accounts that are compared at a time, and the most of these in one round: the ledger has other work.
const PAGE: i64 = 1_000;
const PAGES: u32 = 10;

/// Adds noted entries to the sums.
pub async fn fold(pool: &PgPool) -> sqlx::Result<()> {
    for _ in 0..FOLD_BATCHES {
        let mut tx = pool.begin().await?;
        if !audit::take_turn(&mut tx, Turn::Fold).await? {
            return Ok(());
        }
        let folded = audit::fold(&mut tx, FOLD_BATCH).await?;
        tx.commit().await?;
        if folded < FOLD_BATCH {
            return Ok(());
        }
    }
    Ok(())
}

/// Goes through all accounts, round by round, and begins again.
pub struct Auditor {
    pool: PgPool,
    ledger: Ledger,
    grace: TimeDelta,
    /// The account after which the next round goes on.
    after: Uuid,
    /// How many were compared in this pass.
    compared: i64,
}

#[derive(PartialEq)]
enum Progress {
    More,
    Done,
    NotOurTurn,
}

impl Auditor {
    pub fn new(pool: PgPool, sidecar: Sidecar, identity: Identity, config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            pool,
            ledger: Ledger::new(sidecar, identity),
            grace: TimeDelta::from_std(config.audit_grace)?,
            after: Uuid::nil(),
            compared: 0,
        })
    }

    /// Adds up and compares in the background, until the service stops.
    pub fn work(self, background: &Background, period: Duration) {
        let pool = self.pool.clone();
        background.every(FOLD_PERIOD, "adding up what events tell of accounts", move || {
            let pool = pool.clone();
            async move { fold(&pool).await }
        });
        let auditor = Arc::new(Mutex::new(self));
        background.every(period, "comparing the ledger with its events", move || {
            let auditor = auditor.clone();
            async move { auditor.lock().await.round().await }
        });
    }

    /// Compares the next accounts, until all have been or enough for a round, and sets the metrics.
    pub async fn round(&mut self) -> anyhow::Result<()> {
        fold(&self.pool).await?;
        for _ in 0..PAGES {
            if self.compare_page().await? != Progress::More {
                break;
            }
        }
        self.report().await
    }

    async fn compare_page(&mut self) -> anyhow::Result<Progress> {
        let mut tx = self.pool.begin().await?;
        if !audit::take_turn(&mut tx, Turn::Compare).await? {
            return Ok(Progress::NotOurTurn);
        }
        let (accounts, end) = self.read_page(&mut tx).await?;
        let now = Utc::now();
        let known = audit::findings(&mut tx, self.after, end).await?;
        let found = self.judge(&accounts, &known, now);
        audit::replace_findings(&mut tx, &known, &found).await?;
        let compared = self.compared + i64::try_from(accounts.len())?;
        if end.is_none() {
            let pass = Pass {
                finished_at: now,
                accounts_compared: compared,
            };
            audit::finish_pass(&mut tx, &pass).await?;
        }
        tx.commit().await?;
        tell(&known, &found);
        let (progress, compared) = match end {
            Some(_) => (Progress::More, compared),
            None => (Progress::Done, 0),
        };
        self.after = end.unwrap_or_default();
        self.compared = compared;
        Ok(progress)
    }

    /// The next accounts as both sides have them, and the last one of them unless these are all.
    async fn read_page(&self, conn: &mut PgConnection) -> anyhow::Result<(Vec<Account>, Option<Uuid>)> {
        // The events first, then the ledger: `domain::audit` says why.
        let audited = audit::audited(conn, self.after, PAGE).await?;
        let names_all = audit::names_all_accounts(conn).await?;
        let ledger = self.ledger.balances(self.after, PAGE).await?;
        // A full page may not be the last one. The shorter of the two ranges is what both sides have told of.
        let full = audited.len() >= usize::try_from(PAGE)?;
        let audited_end = audited.last().filter(|_| full).map(|(id, _)| *id);
        let end = [ledger.next_cursor, audited_end].into_iter().flatten().min();
        // Those that old events do not name are accounts of the system.
        let skipped: HashSet<_> = ledger
            .items
            .iter()
            .filter(|account| account.system && !names_all)
            .map(|account| account.account_id)
            .collect();
        let ledger = ledger
            .items
            .into_iter()
            .map(|account| (account.account_id, account.balance));
        let mut accounts = side_by_side(ledger, audited, end);
        accounts.retain(|account| !skipped.contains(&account.id));
        Ok((accounts, end))
    }

    fn judge(&self, accounts: &[Account], known: &[Finding], now: DateTime<Utc>) -> Vec<Finding> {
        let known: HashMap<_, _> = known
            .iter()
            .map(|finding| (finding.account.id, finding))
            .collect();
        accounts
            .iter()
            .filter_map(|account| account.judge(known.get(&account.id).copied(), now, self.grace))
            .collect()
    }

    /// Every replica sets the metrics from what is stored, whoever's turn it was.
    async fn report(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.acquire().await?;
        let counts = audit::count_findings(&mut conn).await?;
        let of = |kind: Kind| counts.iter().find(|count| count.kind == kind.as_str());
        for kind in Kind::DIFFERENCES {
            let accounts = of(kind).map_or(0, |count| count.accounts);
            metrics::gauge!("ledger_audit_differences", "kind" => kind.as_str()).set(number(accounts));
        }
        let late: i64 = [Kind::Behind, Kind::EventsMissing]
            .into_iter()
            .filter_map(of)
            .map(|count| count.entries)
            .sum();
        metrics::gauge!("ledger_audit_lag_entries").set(number(late));
        let compared = audit::last_pass(&mut conn)
            .await?
            .map_or(0, |pass| pass.accounts_compared);
        metrics::gauge!("ledger_audit_accounts_compared").set(number(compared));
        Ok(())
    }
}

/// One line for each difference that appears, and for each that goes. Amounts are not for logs.
fn tell(known: &[Finding], found: &[Finding]) {
    let is_in = |list: &[Finding], wanted: &Finding| {
        list.iter()
            .any(|finding| (finding.account.id, finding.kind) == (wanted.account.id, wanted.kind))
    };
    for finding in found
        .iter()
        .filter(|finding| finding.is_difference() && !is_in(known, finding))
    {
        tracing::error!(account_id = %finding.account.id, kind = finding.kind.as_str(), "the ledger differs from its events");
    }
    for finding in known
        .iter()
        .filter(|finding| finding.is_difference() && !is_in(found, finding))
    {
        tracing::error!(account_id = %finding.account.id, kind = finding.kind.as_str(), "a difference of the ledger from its events is gone");
    }
}

/// What a gauge can hold.
fn number(count: i64) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
