//! Applies postings in batches: one database transaction for all that waited while the one before committed.

use std::{collections::HashMap, sync::Arc};

use batch::{Batcher, Limits, Rejected};
use chrono::Utc;
use money::{Currency, Minor};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{Applied, Books, Outcome, Posting, Refusal},
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

/// Both accounts right after an applied posting, and all that it has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    pub from: Side,
    pub to: Side,
    /// The amounts of its entries, which sum to zero. Empty: nothing has moved.
    pub legs: Vec<Leg>,
}

/// An account right after an applied posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    pub account_id: Uuid,
    /// None: a system account.
    pub user_id: Option<Uuid>,
    pub balance: Minor,
}

/// What an entry says, without its place in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    pub account_id: Uuid,
    /// Negative: money leaves the account.
    pub amount: Minor,
}

/// Why postings have no result. Nothing is known to be applied; a repeat of the same ids is safe.
#[derive(Debug)]
pub enum Unavailable {
    /// Too many are waiting.
    Busy,
    /// The database failed, or the batch ended early.
    Failed,
}

/// Postings that are decided one after the other, or all together.
#[derive(Clone, Debug)]
struct Work {
    postings: Vec<Posting>,
    /// All or none.
    atomic: bool,
}

type Results = Result<Vec<Posted>, Arc<sqlx::Error>>;

/// The queue in front of the ledger.
#[derive(Clone)]
pub struct Ledger {
    batcher: Batcher<Work, Results>,
}

impl Ledger {
    /// Starts the worker, so it needs a runtime.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let batcher = Batcher::spawn(LIMITS, move |work| {
            let pool = pool.clone();
            async move { post_isolated(&pool, work).await }
        });
        Self { batcher }
    }

    /// Posts all, each for itself: a refusal concerns its posting alone.
    pub async fn post(&self, postings: Vec<Posting>) -> Result<Vec<Posted>, Unavailable> {
        let each = postings.into_iter().map(|posting| Work {
            postings: vec![posting],
            atomic: false,
        });
        self.submit(each.collect()).await
    }

    /// Posts all or none: if one is refused, so are the others.
    pub async fn post_all_or_none(&self, postings: Vec<Posting>) -> Result<Vec<Posted>, Unavailable> {
        self.submit(vec![Work {
            postings,
            atomic: true,
        }])
        .await
    }

    async fn submit(&self, work: Vec<Work>) -> Result<Vec<Posted>, Unavailable> {
        let results = self
            .batcher
            .submit(work)
            .await
            .map_err(|rejected| match rejected {
                Rejected::Full => Unavailable::Busy,
                Rejected::Lost => Unavailable::Failed,
            })?;
        let results: Result<Vec<_>, _> = results.into_iter().collect();
        Ok(results.map_err(|_| Unavailable::Failed)?.concat())
    }
}

/// Posts a batch. If the database refuses its content, each goes alone, so that the one at fault fails alone.
async fn post_isolated(pool: &PgPool, work: Vec<Work>) -> Vec<Results> {
    let error = match post_batch(pool, &work).await {
        Ok(posted) => return posted.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    tracing::error!(%error, postings = work.len(), "a batch of postings failed");
    if work.len() == 1 || !is_about_content(&error) {
        let error = Arc::new(error);
        return work.iter().map(|_| Err(error.clone())).collect();
    }
    let mut results = Vec::with_capacity(work.len());
    for alone in work {
        let posted = post_batch(pool, &[alone]).await.map_err(Arc::new);
        results.push(posted.map(|posted| posted.concat()));
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

/// Repeats are rare, so nobody looks for them at first: their ids are in the ledger already and keep the whole batch out, which
/// then goes once more with their first results.
async fn post_batch(pool: &PgPool, work: &[Work]) -> sqlx::Result<Vec<Vec<Posted>>> {
    match post_once(pool, work, Repeats::Unlikely).await {
        Err(error) if store::ledger::is_repeat(&error) => post_once(pool, work, Repeats::Known).await,
        posted => posted,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    Unlikely,
    Known,
}

/// One transaction: lock, load, decide in memory in order, write, commit.
async fn post_once(pool: &PgPool, work: &[Work], repeats: Repeats) -> sqlx::Result<Vec<Vec<Posted>>> {
    let mut tx = pool.begin().await?;
    let mut work = work.to_vec();
    fill_in_accounts(&mut tx, &mut work).await?;
    let mut books = open_books(&mut tx, &work, repeats).await?;
    let posted = work.iter().map(|work| decide(&mut books, work)).collect();
    if !books.written().is_empty() {
        store::ledger::write(&mut tx, &books).await?;
    }
    tx.commit().await?;
    Ok(posted)
}

/// Fills in what the ledger knows and the caller does not: the external account of a currency, the accounts of a hold.
/// None of it ever changes, so it may be read before the locks.
async fn fill_in_accounts(tx: &mut sqlx::PgConnection, work: &mut [Work]) -> sqlx::Result<()> {
    let postings = || work.iter().flat_map(|work| &work.postings);
    let outside: Vec<_> = postings()
        .filter(|posting| posting.kind.is_from_outside() || posting.kind.is_to_outside())
        .map(|posting| posting.amount.currency)
        .collect();
    let hold_ids: Vec<_> = postings().filter_map(|posting| posting.hold_id).collect();
    let outside = store::ledger::external_accounts(tx, &outside).await?;
    let holds = store::holds::find(tx, &hold_ids).await?;
    for posting in work.iter_mut().flat_map(|work| &mut work.postings) {
        let external = outside.get(&posting.amount.currency).copied();
        if posting.kind.is_from_outside() {
            posting.from = external;
        } else if posting.kind.is_to_outside() {
            posting.to = external;
        } else if posting.kind.ends_a_hold() {
            let hold = holds.iter().find(|hold| Some(hold.id) == posting.hold_id);
            posting.from = hold.map(|hold| hold.from);
            posting.to = hold.map(|hold| hold.to);
        }
    }
    Ok(())
}

/// Locks all accounts in the order of their ids, and then those of fees, in every batch, so that two never wait for each
/// other in a circle. What is read after that can't change until the commit.
async fn open_books(tx: &mut sqlx::PgConnection, work: &[Work], repeats: Repeats) -> sqlx::Result<Books> {
    let postings = || work.iter().flat_map(|work| &work.postings);
    let mut account_ids: Vec<_> = postings()
        .flat_map(|posting| [posting.from, posting.to])
        .flatten()
        .collect();
    account_ids.sort_unstable();
    account_ids.dedup();
    let mut accounts = store::ledger::lock_accounts(tx, &account_ids).await?;
    let bear_fees = accounts
        .iter()
        .filter(|account| account.rules.fee_basis_points > 0);
    let currencies: Vec<_> = bear_fees.map(|account| account.currency).collect();
    let fees = store::ledger::lock_fees(tx, &currencies).await?;
    let fees_by_currency: HashMap<Currency, Uuid> = fees
        .iter()
        .map(|account| (account.currency, account.id))
        .collect();
    accounts.extend(fees);
    let hold_ids: Vec<_> = postings().filter_map(|posting| posting.hold_id).collect();
    let holds = store::holds::find(tx, &hold_ids).await?;
    let earlier = match repeats {
        Repeats::Unlikely => Vec::new(),
        Repeats::Known => {
            let ids: Vec<_> = postings().map(|posting| posting.id).collect();
            store::ledger::decided(tx, &ids).await?
        }
    };
    Ok(Books::open(
        Utc::now(),
        accounts,
        fees_by_currency,
        holds,
        earlier,
    ))
}

fn decide(books: &mut Books, work: &Work) -> Vec<Posted> {
    let outcomes = if work.atomic {
        books.post_all_or_none(&work.postings)
    } else {
        work.postings.iter().map(|posting| books.post(posting)).collect()
    };
    let postings = work.postings.iter().zip(outcomes);
    postings
        .map(|(posting, outcome)| Posted {
            posting_id: posting.id,
            outcome: sides(books, posting, outcome),
        })
        .collect()
}

fn sides(books: &Books, posting: &Posting, outcome: Outcome) -> Result<Sides, Refusal> {
    let applied = outcome?;
    let from = posting.from.ok_or(Refusal::AccountNotFound)?;
    let to = posting.to.ok_or(Refusal::AccountNotFound)?;
    let side = |account_id, balance| Side {
        account_id,
        user_id: books.owner(account_id),
        balance,
    };
    Ok(Sides {
        from: side(from, applied.from_balance),
        to: side(to, applied.to_balance),
        legs: legs(posting, from, to, applied),
    })
}

/// What an applied posting has moved; a repeat says the same as the first.
fn legs(posting: &Posting, from: Uuid, to: Uuid, applied: Applied) -> Vec<Leg> {
    if !posting.kind.moves() {
        return Vec::new();
    }
    let leg = |account_id, amount| Leg { account_id, amount };
    let moved = posting.amount.amount_minor;
    let mut legs = vec![leg(from, Minor(-moved.0)), leg(to, moved)];
    if let Some(fee) = applied.fee {
        legs.extend([leg(to, Minor(-fee.amount.0)), leg(fee.account, fee.amount)]);
    }
    legs
}
