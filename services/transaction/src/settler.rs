//! Drives pending transactions to their end: one call to the ledger and one commit for all that waited.
//!
//! The request itself and the recovery worker both come through here, perhaps with the same transaction at the same time. The
//! ledger posts an id once, and only the one that finds it still pending writes its end and its event.

use batch::{Batcher, Limits};
use chrono::{SubsecRound, Utc};
use outbox::Relay;
use sqlx::PgPool;

use crate::{
    answer,
    domain::Transaction,
    events,
    ledger::{Ledger, Posted, Unknown},
    store::{self, Answer, Answered},
};

/// A few calls at a time: while one commits here, the next is on its way.
const LIMITS: Limits = Limits { queue: 2_000, max_items: 128, in_flight: 4 };

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
}

/// The queue in front of the ledger.
#[derive(Clone)]
pub struct Settler {
    batcher: Batcher<Transaction, Result<Answer, Pending>>,
}

struct Parts {
    pool: PgPool,
    ledger: Ledger,
    relay: Relay,
}

impl Settler {
    pub fn new(pool: PgPool, ledger: Ledger, relay: Relay) -> Self {
        let parts = std::sync::Arc::new(Parts { pool, ledger, relay });
        let batcher = Batcher::spawn(LIMITS, move |transactions| {
            let parts = parts.clone();
            async move { parts.run(transactions).await }
        });
        Self { batcher }
    }

    /// The answer that the transaction's client gets, whoever brought it to its end.
    pub async fn settle(&self, transaction: Transaction) -> Result<Answer, Pending> {
        let answers = self.batcher.submit(vec![transaction]).await.map_err(|rejected| {
            tracing::warn!(%rejected, "a transaction waits for recovery");
            Pending
        })?;
        answers.into_iter().next().unwrap_or(Err(Pending))
    }
}

impl Parts {
    async fn run(&self, transactions: Vec<Transaction>) -> Vec<Result<Answer, Pending>> {
        match self.post_and_write(&transactions).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, transactions = transactions.len(), "transactions stay pending for now");
                transactions.iter().map(|_| Err(Pending)).collect()
            }
        }
    }

    async fn post_and_write(&self, transactions: &[Transaction]) -> Result<Vec<Result<Answer, Pending>>, Fault> {
        let posted = self.ledger.post(transactions).await?;
        let answered = transactions.iter().zip(posted).map(|(pending, posted)| end(pending, posted)).collect::<Result<Vec<_>, _>>()?;

        let mut tx = self.pool.begin().await?;
        let settled = store::settle(&mut tx, &answered).await?;
        let completed = answered.iter().filter(|answered| settled.contains(&answered.transaction.id));
        for Answered { transaction, .. } in completed {
            if let Some(event) = events::transaction_made(transaction)? {
                outbox::enqueue(&mut tx, &event).await?;
            }
        }
        // Somebody else has ended the others: their answer is the one that counts.
        let others: Vec<_> = transactions.iter().map(|transaction| transaction.id).filter(|id| !settled.contains(id)).collect();
        let mut stored = if others.is_empty() { Default::default() } else { store::answers(&mut tx, &others).await? };
        tx.commit().await?;
        self.relay.wake();

        Ok(answered
            .into_iter()
            .map(|answered| {
                let id = answered.transaction.id;
                if settled.contains(&id) { Ok(answered.answer) } else { stored.remove(&id).ok_or(Pending) }
            })
            .collect())
    }
}

/// The end that the ledger's word gives to a pending transaction.
fn end(pending: &Transaction, posted: Posted) -> Result<Answered, serde_json::Error> {
    // PostgreSQL keeps microseconds; an answer that is read back later has to show the same time.
    let now = Utc::now().trunc_subsecs(6);
    let ended = match posted {
        Posted::Applied { payee } => pending.clone().complete(payee, now),
        Posted::Refused(failure) => pending.clone().fail(failure),
    };
    // Only pending ones come here; if one were not, its end stays what it is.
    let transaction = ended.unwrap_or_else(|_| pending.clone());
    let answer = answer::of(&transaction)?;
    Ok(Answered { transaction, answer })
}
