//! The statements of one batch of postings: lock, read what is known already, write all at once.
//!
//! What every batch asks for comes by a sub-select: the planner would see how short these arrays are, and plan anew each time for
//! what costs less to do.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use money::{Currency, Minor, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{holds, known};
use crate::domain::{
    Account, Applied, Books, Fee, Kind, Kinds, Outcome, Posting, Refusal, Rules, Status, Written,
};

/// The external accounts of some currencies.
pub async fn external_accounts(
    db: &mut PgConnection,
    currencies: &[Currency],
) -> sqlx::Result<HashMap<Currency, Uuid>> {
    if currencies.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "select currency, id from accounts where type = 'external' and currency = any($1)",
        &codes(currencies) as &[&str],
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok((known(&row.currency, |code| code.parse().ok())?, row.id)))
        .collect()
}

/// Locks accounts until the end of the transaction, in the order of their ids.
pub async fn lock_accounts(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Account>> {
    let rows = sqlx::query_as!(
        AccountRow,
        "select id, owner_user_id, type, currency, status, balance_minor, held_minor, limit_minor, max_per_movement_minor,
                max_per_day_minor, spent_minor, spent_on, sequence
         from accounts where id = any((select $1::uuid[])::uuid[]) order by id for update",
        ids,
    )
    .fetch_all(&mut *db)
    .await?;
    with_rules(db, rows).await
}

/// Locks the accounts to which the fees of some currencies go. After all others, in every batch.
pub async fn lock_fees(db: &mut PgConnection, currencies: &[Currency]) -> sqlx::Result<Vec<Account>> {
    if currencies.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        AccountRow,
        "select id, owner_user_id, type, currency, status, balance_minor, held_minor, limit_minor, max_per_movement_minor,
                max_per_day_minor, spent_minor, spent_on, sequence
         from accounts where type = 'fees' and currency = any($1) order by id for update",
        &codes(currencies) as &[&str],
    )
    .fetch_all(&mut *db)
    .await?;
    with_rules(db, rows).await
}

/// Adds what their types allow: many accounts are of few types, so each is asked for once.
async fn with_rules(db: &mut PgConnection, rows: Vec<AccountRow>) -> sqlx::Result<Vec<Account>> {
    let types: HashSet<_> = rows
        .iter()
        .map(|row| (row.r#type.as_str(), row.currency.as_str()))
        .collect();
    let (types, currencies): (Vec<_>, Vec<_>) = types.into_iter().unzip();
    let types = sqlx::query!(
        "select type, currency, pays, receives, fee_basis_points from account_types
         where (type, currency) in (select * from unnest((select $1::text[]), (select $2::text[])))",
        &types as &[&str],
        &currencies as &[&str],
    )
    .fetch_all(db)
    .await?;
    let mut rules = HashMap::new();
    for row in types {
        let of_type = Rules {
            pays: kinds(&row.pays)?,
            receives: kinds(&row.receives)?,
            fee_basis_points: row.fee_basis_points,
        };
        rules.insert((row.r#type, row.currency), of_type);
    }
    rows.into_iter().map(|row| row.with(&rules)).collect()
}

fn codes(currencies: &[Currency]) -> Vec<&'static str> {
    currencies.iter().map(|currency| currency.code()).collect()
}

struct AccountRow {
    id: Uuid,
    owner_user_id: Option<Uuid>,
    r#type: String,
    currency: String,
    status: String,
    balance_minor: i64,
    held_minor: i64,
    limit_minor: Option<i64>,
    max_per_movement_minor: Option<i64>,
    max_per_day_minor: Option<i64>,
    spent_minor: i64,
    spent_on: NaiveDate,
    sequence: i64,
}

impl AccountRow {
    fn with(self, rules: &HashMap<(String, String), Rules>) -> sqlx::Result<Account> {
        let currency = known(&self.currency, |code| code.parse().ok())?;
        let rules = rules.get(&(self.r#type, self.currency));
        Ok(Account {
            id: self.id,
            owner: self.owner_user_id,
            currency,
            status: known(&self.status, Status::parse)?,
            balance: Minor(self.balance_minor),
            held: Minor(self.held_minor),
            limit: self.limit_minor.map(Minor),
            max_per_movement: self.max_per_movement_minor.map(Minor),
            max_per_day: self.max_per_day_minor.map(Minor),
            spent: Minor(self.spent_minor),
            spent_on: self.spent_on,
            sequence: self.sequence,
            // A foreign key sees to it that the type is there.
            rules: rules.copied().ok_or(sqlx::Error::RowNotFound)?,
        })
    }
}

fn kinds(words: &[String]) -> sqlx::Result<Kinds> {
    words.iter().map(|word| known(word, Kind::parse)).collect()
}

/// The postings of these ids that were decided before. To be read under the locks: a repeat names the same accounts, so
/// it has waited until the first was committed.
pub async fn decided(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(Posting, Outcome)>> {
    let rows = sqlx::query!(
        "select id, kind, initiator_user_id, by_operator, from_account_id, to_account_id, amount_minor, currency, hold_id,
                expires_at, refusal, from_balance_minor, to_balance_minor, fee_account_id, fee_minor
         from postings where id = any($1)",
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let posting = Posting {
                id: row.id,
                kind: known(&row.kind, Kind::parse)?,
                initiator: row.initiator_user_id,
                by_operator: row.by_operator,
                from: row.from_account_id,
                to: row.to_account_id,
                amount: Money {
                    amount_minor: Minor(row.amount_minor),
                    currency: known(&row.currency, |code| code.parse().ok())?,
                },
                hold_id: row.hold_id,
                expires_at: row.expires_at,
            };
            let fee = row.fee_account_id.zip(row.fee_minor);
            let outcome = match row.refusal {
                Some(code) => Err(known(&code, Refusal::parse)?),
                None => Ok(Applied {
                    from_balance: Minor(row.from_balance_minor.unwrap_or_default()),
                    to_balance: Minor(row.to_balance_minor.unwrap_or_default()),
                    fee: fee.map(|(account, amount)| Fee {
                        account,
                        amount: Minor(amount),
                    }),
                }),
            };
            Ok((posting, outcome))
        })
        .collect()
}

/// Whether [`write`] was refused because a posting was decided before.
pub fn is_repeat(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database.and_then(|error| error.constraint()) == Some("postings_pk")
}

/// Writes what the books have gained: postings, entries, balances and what waits for the chain of seals in one statement,
/// and holds, where there are any, in others. An `unnest` for each column goes on with the others row by row; one for all of
/// them would first be put aside as a whole, column by column.
pub async fn write(db: &mut PgConnection, books: &Books) -> sqlx::Result<()> {
    let postings = PostingColumns::of(books.written());
    let entries = books.entries();
    let changed: Vec<_> = books.changed_accounts().collect();
    sqlx::query!(
        "with new_postings as (
             insert into postings (id, kind, initiator_user_id, by_operator, from_account_id, to_account_id, amount_minor,
                                   currency, hold_id, expires_at, refusal, from_balance_minor, to_balance_minor,
                                   from_sequence, to_sequence, fee_account_id, fee_minor, fee_sequence)
             select unnest($1::uuid[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::bool[]), unnest($5::uuid[]),
                    unnest($6::uuid[]), unnest($7::bigint[]), unnest($8::text[]), unnest($9::uuid[]),
                    unnest($10::timestamptz[]), unnest($11::text[]), unnest($12::bigint[]), unnest($13::bigint[]),
                    unnest($14::bigint[]), unnest($15::bigint[]), unnest($16::uuid[]), unnest($17::bigint[]),
                    unnest($18::bigint[])
         ), new_entries as (
             insert into entries (posting_id, account_id, sequence, amount_minor, balance_minor)
             select unnest($19::uuid[]), unnest($20::uuid[]), unnest($21::bigint[]), unnest($22::bigint[]),
                    unnest($23::bigint[])
         ), for_the_chain as (
             insert into unsealed (posting_ids) values ($1)
         )
         update accounts set balance_minor = changed.balance_minor, held_minor = changed.held_minor,
                             spent_minor = changed.spent_minor, spent_on = changed.spent_on, sequence = changed.sequence
         from (select unnest($24::uuid[]), unnest($25::bigint[]), unnest($26::bigint[]), unnest($27::bigint[]),
                      unnest($28::date[]), unnest($29::bigint[]))
             as changed (id, balance_minor, held_minor, spent_minor, spent_on, sequence)
         where accounts.id = changed.id",
        &postings.id,
        &postings.kind as &[&str],
        &postings.initiator,
        &postings.by_operator,
        &postings.from as &[Option<Uuid>],
        &postings.to as &[Option<Uuid>],
        &postings.amount_minor,
        &postings.currency as &[&str],
        &postings.hold_id as &[Option<Uuid>],
        &postings.expires_at as &[Option<chrono::DateTime<chrono::Utc>>],
        &postings.refusal as &[Option<&str>],
        &postings.from_balance_minor as &[Option<i64>],
        &postings.to_balance_minor as &[Option<i64>],
        &postings.from_sequence as &[Option<i64>],
        &postings.to_sequence as &[Option<i64>],
        &postings.fee_account_id as &[Option<Uuid>],
        &postings.fee_minor as &[Option<i64>],
        &postings.fee_sequence as &[Option<i64>],
        &column(entries, |entry| entry.posting_id),
        &column(entries, |entry| entry.account_id),
        &column(entries, |entry| entry.sequence),
        &column(entries, |entry| entry.amount.0),
        &column(entries, |entry| entry.balance.0),
        &column(&changed, |account| account.id),
        &column(&changed, |account| account.balance.0),
        &column(&changed, |account| account.held.0),
        &column(&changed, |account| account.spent.0),
        &column(&changed, |account| account.spent_on),
        &column(&changed, |account| account.sequence),
    )
    .execute(&mut *db)
    .await?;
    holds::write(db, books).await
}

/// A vector per column, as UNNEST wants them.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The new postings of a batch.
struct PostingColumns {
    id: Vec<Uuid>,
    kind: Vec<&'static str>,
    initiator: Vec<Uuid>,
    by_operator: Vec<bool>,
    from: Vec<Option<Uuid>>,
    to: Vec<Option<Uuid>>,
    amount_minor: Vec<i64>,
    currency: Vec<&'static str>,
    hold_id: Vec<Option<Uuid>>,
    expires_at: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    refusal: Vec<Option<&'static str>>,
    from_balance_minor: Vec<Option<i64>>,
    to_balance_minor: Vec<Option<i64>>,
    from_sequence: Vec<Option<i64>>,
    to_sequence: Vec<Option<i64>>,
    fee_account_id: Vec<Option<Uuid>>,
    fee_minor: Vec<Option<i64>>,
    fee_sequence: Vec<Option<i64>>,
}

impl PostingColumns {
    fn of(written: &[Written]) -> Self {
        let applied = |row: &Written| row.outcome.ok();
        let fee = |row: &Written| applied(row).and_then(|applied| applied.fee);
        Self {
            id: column(written, |row| row.posting.id),
            kind: column(written, |row| row.posting.kind.as_str()),
            initiator: column(written, |row| row.posting.initiator),
            by_operator: column(written, |row| row.posting.by_operator),
            from: column(written, |row| row.posting.from),
            to: column(written, |row| row.posting.to),
            amount_minor: column(written, |row| row.posting.amount.amount_minor.0),
            currency: column(written, |row| row.posting.amount.currency.code()),
            hold_id: column(written, |row| row.posting.hold_id),
            expires_at: column(written, |row| row.posting.expires_at),
            refusal: column(written, |row| row.outcome.err().map(Refusal::code)),
            from_balance_minor: column(written, |row| applied(row).map(|applied| applied.from_balance.0)),
            to_balance_minor: column(written, |row| applied(row).map(|applied| applied.to_balance.0)),
            from_sequence: column(written, |row| row.from_sequence),
            to_sequence: column(written, |row| row.to_sequence),
            fee_account_id: column(written, |row| fee(row).map(|fee| fee.account)),
            fee_minor: column(written, |row| fee(row).map(|fee| fee.amount.0)),
            fee_sequence: column(written, |row| row.fee_sequence),
        }
    }
}
