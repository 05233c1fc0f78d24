//! What holds once everything has come to rest, by the databases of the two services that know of money.

use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

use super::books::Books;
use super::effects;
use super::model::{Expected, Model};
use super::record::Record;
use super::world::World;
use crate::Stack;

/// An invariant, and the statement that gives what breaks it.
type Invariant = (&'static str, &'static str);

const LEDGER: [Invariant; 8] = [
    (
        "the sum of a currency is zero",
        "select currency || ' sums to ' || sum(balance_minor) from accounts group by currency having sum(balance_minor) <> 0",
    ),
    (
        "a balance is the sum of its entries, in a sequence without gaps",
        "select format('%s has %s at %s, its %s entries up to %s sum to %s', a.id, a.balance_minor, a.sequence, e.count, e.last, e.sum)
         from accounts a left join (
             select account_id, sum(amount_minor) as sum, count(*) as count, max(sequence) as last from entries group by account_id
         ) e on e.account_id = a.id
         where (a.balance_minor, a.sequence, a.sequence) is distinct from (coalesce(e.sum, 0), coalesce(e.count, 0), coalesce(e.last, 0))",
    ),
    (
        "every entry has the balance that results",
        "select format('%s %s', account_id, sequence) from (
             select account_id, sequence, balance_minor, sum(amount_minor) over (partition by account_id order by sequence) as sum from entries
         ) e where balance_minor <> sum",
    ),
    (
        "available is not below the limit",
        "select format('%s has %s with %s held', id, balance_minor, held_minor) from accounts
         where balance_minor - held_minor < limit_minor",
    ),
    (
        "held is the sum of open holds",
        "select format('%s holds %s, its open holds sum to %s', a.id, a.held_minor, h.sum) from accounts a left join (
             select from_account_id, sum(amount_minor) as sum from holds where state = 'authorized' group by from_account_id
         ) h on h.from_account_id = a.id where a.held_minor <> coalesce(h.sum, 0)",
    ),
    (
        "the entries of a posting sum to zero",
        "select format('%s sums to %s', posting_id, sum(amount_minor)) from entries group by posting_id having sum(amount_minor) <> 0",
    ),
    (
        "a posting has its entries once",
        "select format('%s %s has %s entries', p.id, p.kind, coalesce(e.count, 0)) from postings p
         left join (select posting_id, count(*) as count from entries group by posting_id) e on e.posting_id = p.id
         where coalesce(e.count, 0) <> case when p.refusal is not null or p.kind in ('hold', 'void', 'expiry') then 0
                                            when p.fee_minor is not null then 4 else 2 end",
    ),
    (
        "a hold ends once in the ledger",
        "select format('%s ended %s times', hold_id, count(*)) from postings
         where hold_id is not null and refusal is null group by hold_id having count(*) > 1",
    ),
];

const TRANSACTIONS: [Invariant; 6] = [
    (
        "no transaction stays pending",
        "select id || ' ' || kind from transactions where state = 'pending'",
    ),
    ("the outbox is empty", "select id || ' ' || kind from outbox"),
    (
        "a key has at most one transaction",
        "select format('%s of %s has %s', idempotency_key, initiator_user_id, count(*)) from transactions
         where idempotency_key is not null group by idempotency_key, initiator_user_id having count(*) > 1",
    ),
    (
        "a hold ends once",
        "select format('%s ended %s times', hold_id, count(*)) from transactions
         where hold_id is not null and state = 'completed' group by hold_id having count(*) > 1",
    ),
    (
        "refunds never go beyond what was paid",
        "select format('%s of %s of %s', sum(r.amount_minor), p.amount_minor, p.id)
         from transactions r join transactions p on p.id = r.refunds_id where r.state = 'completed'
         group by p.id having sum(r.amount_minor) > p.amount_minor",
    ),
    (
        "what counts as refunded was refunded",
        "select format('%s counts %s', f.transaction_id, f.refunded_minor) from refunded f
         where f.refunded_minor <> (select coalesce(sum(r.amount_minor), 0) from transactions r
                                    where r.refunds_id = f.transaction_id and r.state = 'completed')",
    ),
];

/// Everything, once nothing waits any more.
pub async fn all(
    stack: &Stack,
    books: &Books,
    world: &World,
    model: &Model,
    record: &Record,
) -> anyhow::Result<()> {
    hold(&books.account, &LEDGER, record).await?;
    hold(&books.transaction, &TRANSACTIONS, record).await?;
    same_in_both(books, record).await?;
    as_answered(books, world, model, record).await?;
    for wrong in effects::differences(books, world).await? {
        record.anomaly("a completed transaction has one effect for each consumer", wrong);
    }
    if let Err(error) = stack.command("account", &["verify"]) {
        record.anomaly("the chain and the books verify", format!("{error:#}"));
    }
    Ok(())
}

async fn hold(pool: &PgPool, invariants: &[Invariant], record: &Record) -> anyhow::Result<()> {
    for (invariant, statement) in invariants {
        let wrong: Vec<String> = sqlx::query_scalar(*statement).fetch_all(pool).await?;
        for facts in wrong {
            record.anomaly(invariant, facts);
        }
    }
    Ok(())
}

/// What is completed was posted, and what was posted is completed.
async fn same_in_both(books: &Books, record: &Record) -> anyhow::Result<()> {
    let completed: Vec<(Uuid, String, i64)> =
        sqlx::query_as("select id, kind, amount_minor from transactions where state = 'completed'")
            .fetch_all(&books.transaction)
            .await?;
    let posted: Vec<(Uuid, String, i64)> =
        sqlx::query_as("select id, kind, amount_minor from postings where refusal is null")
            .fetch_all(&books.account)
            .await?;
    let (completed, posted): (HashSet<_>, HashSet<_>) =
        (completed.into_iter().collect(), posted.into_iter().collect());
    for one_sided in completed.symmetric_difference(&posted) {
        let side = if completed.contains(one_sided) {
            "completed and not posted"
        } else {
            "posted and not completed"
        };
        let told: Option<String> = sqlx::query_scalar(
            "select concat_ws(' ', state, failure_code, idempotency_key) from transactions where id = $1",
        )
        .bind(one_sided.0)
        .fetch_optional(&books.transaction)
        .await?;
        record.anomaly(
            "both services say the same of a transaction",
            format!("{side}: {one_sided:?}, in transaction {told:?}"),
        );
    }
    Ok(())
}

/// What was done is what was answered: nothing more, nothing less, and the balances follow.
async fn as_answered(books: &Books, world: &World, model: &Model, record: &Record) -> anyhow::Result<()> {
    let done: Vec<(Uuid, String, Option<String>)> = sqlx::query_as(
        "select id, kind, idempotency_key from transactions
         where state = 'completed' and kind <> 'expiry' and initiator_user_id = any($1)",
    )
    .bind(world.user_ids())
    .fetch_all(&books.transaction)
    .await?;
    let answered = model.ids();
    for unheard in done.iter().filter(|(id, _, _)| !answered.contains(id)) {
        record.anomaly("nothing is done that was not answered", format!("{unheard:?}"));
    }
    let done: HashSet<_> = done.into_iter().map(|(id, _, _)| id).collect();
    for undone in answered.difference(&done) {
        record.anomaly("what was answered with success was done", undone);
    }
    for beyond in model.refunds_beyond() {
        record.anomaly("refunds never go beyond what was paid", beyond);
    }

    let expired: Vec<Uuid> =
        sqlx::query_scalar("select hold_id from transactions where kind = 'expiry' and state = 'completed'")
            .fetch_all(&books.transaction)
            .await?;
    let actual: Vec<(Uuid, i64, i64)> =
        sqlx::query_as("select id, balance_minor, held_minor from accounts where id = any($1)")
            .bind(world.account_ids())
            .fetch_all(&books.account)
            .await?;
    let actual: HashMap<_, _> = actual
        .into_iter()
        .map(|(id, balance, held)| (id, Expected { balance, held }))
        .collect();
    let expected = model.expected(world, &expired.into_iter().collect());
    for (account, expected) in world.accounts.iter().zip(expected) {
        let actual = actual.get(&account.id);
        if actual != Some(&expected) {
            record.anomaly(
                "balances are what the answers say",
                format!("{}: {expected:?}, and it is {actual:?}", account.id),
            );
        }
    }
    Ok(())
}
