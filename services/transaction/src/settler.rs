//! Drives pending transactions to their end: one call to the ledger and one commit for all that waited.
//!
//! The request itself and the recovery worker both come through here, perhaps with the same transaction at the same time. The
//! ledger posts an id once, and only the one that finds it still pending writes its end and its event.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use batch::{Batcher, Limits};
use chrono::{DateTime, SubsecRound, Utc};
use outbox::{Event, Relay};
use sqlx::PgPool;
use telemetry::{TraceContext, in_trace};
use uuid::Uuid;

use crate::{
    answer,
    domain::{Completion, Final, Transaction},
    events,
    ledger::{Ledger, Posted, Unknown},
    store::{self, Answer, Answered},
};

/// Two calls at a time, so that one that gets no answer does not hold up all others; more would go with fewer transactions each.
const LIMITS: Limits = Limits {
    queue: 2_000,
    max_items: 128,
    in_flight: 2,
};

/// The outcome of a transaction is not known yet; it stays pending, and a recovery worker drives it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending;

/// Why a batch did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Ledger(#[from] Unknown),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Final(#[from] Final),
}

/// A pending transaction, and the trace of the request that waits for it.
struct Work {
    transaction: Transaction,
    trace: Option<TraceContext>,
}

/// By transaction. One that recovery has brought has none.
type Traces = HashMap<Uuid, TraceContext>;

/// The queue in front of the ledger.
#[derive(Clone)]
pub struct Settler {
    batcher: Batcher<Work, Result<Answer, Pending>>,
    parts: Arc<Parts>,
}

struct Parts {
    pool: PgPool,
    ledger: Ledger,
    relay: Relay,
}

impl Settler {
    pub fn new(pool: PgPool, ledger: Ledger, relay: Relay) -> Self {
        let parts = Arc::new(Parts { pool, ledger, relay });
        let shared = parts.clone();
        let batcher = Batcher::spawn(LIMITS, move |work| {
            let parts = shared.clone();
            async move { parts.run(work, false).await }
        });
        Self { batcher, parts }
    }

    /// The answer that the transaction's client gets, whoever brought it to its end.
    pub async fn settle(&self, transaction: Transaction) -> Result<Answer, Pending> {
        let answers = self.settle_each(vec![transaction]).await;
        answers.into_iter().next().unwrap_or(Err(Pending))
    }

    /// As [`Settler::settle`], for many at once, each for itself.
    pub async fn settle_each(&self, transactions: Vec<Transaction>) -> Vec<Result<Answer, Pending>> {
        let count = transactions.len();
        if count == 0 {
            return Vec::new();
        }
        let work = works(transactions);
        self.batcher.submit(work).await.unwrap_or_else(|rejected| {
            tracing::warn!(%rejected, count, "transactions wait for recovery");
            vec![Err(Pending); count]
        })
    }

    /// As [`Settler::settle_each`], all or none. They go alone: the ledger decides them as one.
    pub async fn settle_all_or_none(&self, transactions: Vec<Transaction>) -> Vec<Result<Answer, Pending>> {
        self.parts.run(works(transactions), true).await
    }
}

fn works(transactions: Vec<Transaction>) -> Vec<Work> {
    let trace = TraceContext::current();
    transactions
        .into_iter()
        .map(|transaction| Work {
            transaction,
            trace: trace.clone(),
        })
        .collect()
}

impl Parts {
    async fn run(&self, work: Vec<Work>, atomic: bool) -> Vec<Result<Answer, Pending>> {
        let ids: Vec<_> = work.iter().map(|work| work.transaction.id).collect();
        let traces: Traces = work
            .iter()
            .filter_map(|work| Some((work.transaction.id, work.trace.clone()?)))
            .collect();
        // One that came twice, from its request and from recovery, goes once.
        let mut seen = HashSet::new();
        let unique: Vec<_> = work
            .into_iter()
            .map(|work| work.transaction)
            .filter(|transaction| seen.insert(transaction.id))
            .collect();
        let answers = match self.post_and_write(unique, &traces, atomic).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, transactions = ids.len(), "transactions stay pending for now");
                HashMap::new()
            }
        };
        ids.iter()
            .map(|id| answers.get(id).cloned().ok_or(Pending))
            .collect()
    }

    async fn post_and_write(
        &self,
        pending: Vec<Transaction>,
        traces: &Traces,
        atomic: bool,
    ) -> Result<HashMap<Uuid, Answer>, Fault> {
        let posting = self.ledger.post(&pending, atomic);
        // The shared call can be in one trace only; each event is in its own.
        let posted = match traces.values().next() {
            Some(trace) => in_trace(trace.clone(), posting).await,
            None => posting.await,
        }?;
        // PostgreSQL keeps microseconds; an answer that is read back later has to show the same time.
        let now = Utc::now().trunc_subsecs(6);
        let ended: Vec<_> = pending
            .into_iter()
            .zip(posted)
            .map(|(pending, posted)| end(pending, posted, now))
            .collect();
        let ended = ended.into_iter().collect::<Result<Vec<_>, _>>()?;

        let mut tx = self.pool.begin().await?;
        let settled: HashSet<_> = store::settle(&mut tx, &ended).await?.into_iter().collect();
        let (ours, others): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .partition(|ended| settled.contains(&ended.transaction.id));
        store::follow_up(&mut tx, &ours).await?;
        outbox::enqueue_all(&mut tx, &news(&ours, traces)?).await?;
        let mut answers = HashMap::new();
        if !others.is_empty() {
            // Somebody else has ended these: the answer that is stored is the one that counts.
            let ids: Vec<_> = others.iter().map(|other| other.transaction.id).collect();
            answers = store::answers(&mut tx, &ids).await?;
        }
        tx.commit().await?;
        self.relay.wake();

        answers.extend(ours.into_iter().map(|ours| (ours.transaction.id, ours.answer)));
        Ok(answers)
    }
}

/// What others are told.
fn news(ended: &[Answered], traces: &Traces) -> serde_json::Result<Vec<Event>> {
    let events = ended
        .iter()
        .filter_map(|ended| events::transaction_made(&ended.transaction, &ended.entries).transpose());
    events
        .map(|event| {
            event.map(|event| Event {
                trace: traces.get(&event.id).cloned(),
                ..event
            })
        })
        .collect()
}

/// The end that the ledger's word gives to a pending transaction.
fn end(pending: Transaction, posted: Posted, now: DateTime<Utc>) -> Result<Answered, Fault> {
    let (transaction, entries) = match posted {
        Posted::Applied(applied) => {
            let completion = Completion {
                payer: applied.payer,
                payee: applied.payee,
                fee: applied.fee(),
                at: now,
            };
            (pending.complete(completion)?, applied.entries)
        }
        Posted::Refused(failure) => (pending.fail(failure)?, Vec::new()),
    };
    let answer = answer::of(&transaction)?;
    Ok(Answered {
        transaction,
        answer,
        entries,
    })
}
