//! Applies postings in batches: one database transaction for all that waited while the one before committed.

use std::{collections::HashMap, sync::Arc};

use batch::{Batcher, Limits, Rejected};
use money::{Currency, Minor};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{Books, Posting, Refusal},
    store,
};

/// One batch at a time: a second one would mostly wait for the locks of the first. The queue holds what a second can do.
const LIMITS: Limits = Limits {
    queue: 2_000,
    max_items: 512,
    in_flight: 1,
};

/// The result of a posting, with what the caller tells both parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub posting_id: Uuid,
    pub outcome: Result<Sides, Refusal>,
}

/// Both accounts right after an applied posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    pub from: Side,
    pub to: Side,
}

/// An account right after an applied posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    pub account_id: Uuid,
    /// None: a system account.
    pub user_id: Option<Uuid>,
    pub balance: Minor,
}

/// Why postings have no result. Nothing is known to be applied; a repeat of the same ids is safe.
#[derive(Debug)]
pub enum Unavailable {
    /// Too many are waiting.
    Busy,
    /// The database failed, or the batch ended early.
    Failed,
}

/// The queue in front of the ledger.
#[derive(Clone)]
pub struct Ledger {
    batcher: Batcher<Posting, Result<Posted, Arc<sqlx::Error>>>,
}

impl Ledger {
    pub fn new(pool: PgPool) -> Self {
        let batcher = Batcher::spawn(LIMITS, move |postings| {
            let pool = pool.clone();
            async move { post_isolated(&pool, postings).await }
        });
        Self { batcher }
    }

    /// Posts all, each for itself: a refusal concerns its posting alone.
    pub async fn post(&self, postings: Vec<Posting>) -> Result<Vec<Posted>, Unavailable> {
        let results = self
            .batcher
            .submit(postings)
            .await
            .map_err(|rejected| match rejected {
                Rejected::Full => Unavailable::Busy,
                Rejected::Lost => Unavailable::Failed,
            })?;
        results
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|_| Unavailable::Failed)
    }
}

/// Posts a batch. If the database refuses its content, each posting goes alone, so that the one at fault fails alone.
async fn post_isolated(pool: &PgPool, postings: Vec<Posting>) -> Vec<Result<Posted, Arc<sqlx::Error>>> {
    let error = match post_batch(pool, &postings).await {
        Ok(posted) => return posted.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    tracing::error!(%error, postings = postings.len(), "a batch of postings failed");
    if postings.len() == 1 || !is_about_content(&error) {
        let error = Arc::new(error);
        return postings.iter().map(|_| Err(error.clone())).collect();
    }
    let mut results = Vec::with_capacity(postings.len());
    for posting in postings {
        let alone = post_batch(pool, &[posting]).await.map_err(Arc::new);
        results.extend(match alone {
            Ok(posted) => posted.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
    }
    results
}

/// Whether the database objected to a value or a constraint (SQLSTATE classes 22 and 23), not to its own state.
fn is_about_content(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// One transaction: lock, load, decide in memory in order, write, commit.
async fn post_batch(pool: &PgPool, postings: &[Posting]) -> sqlx::Result<Vec<Posted>> {
    let mut tx = pool.begin().await?;
    let postings = with_sources(&mut tx, postings).await?;
    let mut account_ids: Vec<_> = postings
        .iter()
        .flat_map(|posting| posting.from.into_iter().chain([posting.to]))
        .collect();
    account_ids.sort_unstable();
    account_ids.dedup();
    let accounts = store::ledger::lock_accounts(&mut tx, &account_ids).await?;
    let ids: Vec<_> = postings.iter().map(|posting| posting.id).collect();
    let earlier = store::ledger::decided(&mut tx, &ids).await?;

    let mut books = Books::open(accounts, earlier);
    let posted = postings
        .iter()
        .map(|posting| post_one(&mut books, posting))
        .collect();

    if books.new_postings().next().is_some() {
        store::ledger::write(&mut tx, &books).await?;
    }
    tx.commit().await?;
    Ok(posted)
}

/// Fills in the external account where money comes from outside.
async fn with_sources(tx: &mut sqlx::PgConnection, postings: &[Posting]) -> sqlx::Result<Vec<Posting>> {
    let from_outside = postings.iter().filter(|posting| posting.kind.is_from_outside());
    let mut currencies: Vec<_> = from_outside
        .map(|posting| posting.amount.currency.code().to_owned())
        .collect();
    currencies.sort_unstable();
    currencies.dedup();
    let mut sources: HashMap<Currency, Uuid> = HashMap::new();
    if !currencies.is_empty() {
        sources.extend(store::ledger::external_accounts(tx, &currencies).await?);
    }
    let source = |posting: &Posting| sources.get(&posting.amount.currency).copied();
    Ok(postings
        .iter()
        .map(|posting| Posting {
            from: if posting.kind.is_from_outside() {
                source(posting)
            } else {
                posting.from
            },
            ..posting.clone()
        })
        .collect())
}

fn post_one(books: &mut Books, posting: &Posting) -> Posted {
    let outcome = books.post(posting).and_then(|applied| {
        let from = posting.from.ok_or(Refusal::AccountNotFound)?;
        let side = |account_id, balance| Side {
            account_id,
            user_id: books.owner(account_id),
            balance,
        };
        Ok(Sides {
            from: side(from, applied.from_balance),
            to: side(posting.to, applied.to_balance),
        })
    });
    Posted {
        posting_id: posting.id,
        outcome,
    }
}
