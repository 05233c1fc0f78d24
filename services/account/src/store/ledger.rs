//! The statements of one batch of postings: lock, read what is known already, write all at once.

use money::{Currency, Minor, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::domain::{Account, AccountType, Applied, Books, Kind, Outcome, Posting, Refusal, Status};

/// The external accounts of some currencies.
pub async fn external_accounts(
    db: &mut PgConnection,
    currencies: &[String],
) -> sqlx::Result<Vec<(Currency, Uuid)>> {
    let rows = sqlx::query!(
        "select currency, id from accounts where type = 'external' and currency = any($1)",
        currencies
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok((known(&row.currency, |code| code.parse().ok())?, row.id)))
        .collect()
}

/// Locks accounts until the end of the transaction. The order is that of the ids, in every batch, so two never wait for
/// each other in a circle.
pub async fn lock_accounts(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Account>> {
    let rows = sqlx::query!(
        "select id, owner_user_id, type, currency, status, balance_minor, held_minor, limit_minor, sequence
         from accounts where id = any($1) order by id for update",
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Account {
                id: row.id,
                owner: row.owner_user_id,
                r#type: known(&row.r#type, AccountType::parse)?,
                currency: known(&row.currency, |code| code.parse().ok())?,
                status: known(&row.status, Status::parse)?,
                balance: Minor(row.balance_minor),
                held: Minor(row.held_minor),
                limit: row.limit_minor.map(Minor),
                sequence: row.sequence,
            })
        })
        .collect()
}

/// The postings of these ids that were decided before. To be read under the locks: a repeat names the same accounts, so
/// it has waited until the first was committed.
pub async fn decided(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(Posting, Outcome)>> {
    let rows = sqlx::query!(
        r#"select id, kind, initiator_user_id, from_account_id, to_account_id as "to_account_id!", amount_minor, currency, refusal,
                from_balance_minor, to_balance_minor
         from postings where id = any($1)"#,
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
                from: row.from_account_id,
                to: row.to_account_id,
                amount: Money {
                    amount_minor: Minor(row.amount_minor),
                    currency: known(&row.currency, |code| code.parse().ok())?,
                },
            };
            let outcome = match row.refusal {
                Some(code) => Err(known(&code, Refusal::parse)?),
                None => Ok(Applied {
                    from_balance: Minor(row.from_balance_minor.unwrap_or_default()),
                    to_balance: Minor(row.to_balance_minor.unwrap_or_default()),
                }),
            };
            Ok((posting, outcome))
        })
        .collect()
}

/// Writes what the books have gained: postings, entries and balances, in one statement.
pub async fn write(db: &mut PgConnection, books: &Books) -> sqlx::Result<()> {
    let postings = PostingColumns::of(books);
    let entries = books.entries();
    let changed: Vec<_> = books.changed_accounts().collect();
    sqlx::query!(
        "with new_postings as (
             insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                                   refusal, from_balance_minor, to_balance_minor)
             select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[],
                                  $8::text[], $9::bigint[], $10::bigint[])
         ), new_entries as (
             insert into entries (posting_id, account_id, sequence, amount_minor, balance_minor)
             select * from unnest($11::uuid[], $12::uuid[], $13::bigint[], $14::bigint[], $15::bigint[])
         )
         update accounts set balance_minor = changed.balance_minor, sequence = changed.sequence
         from unnest($16::uuid[], $17::bigint[], $18::bigint[]) as changed (id, balance_minor, sequence)
         where accounts.id = changed.id",
        &postings.id,
        &postings.kind as &[&str],
        &postings.initiator,
        &postings.from as &[Option<Uuid>],
        &postings.to,
        &postings.amount_minor,
        &postings.currency as &[&str],
        &postings.refusal as &[Option<&str>],
        &postings.from_balance_minor as &[Option<i64>],
        &postings.to_balance_minor as &[Option<i64>],
        &entries.iter().map(|entry| entry.posting_id).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.account_id).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.amount.0).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.balance.0).collect::<Vec<_>>(),
        &changed.iter().map(|account| account.id).collect::<Vec<_>>(),
        &changed.iter().map(|account| account.balance.0).collect::<Vec<_>>(),
        &changed.iter().map(|account| account.sequence).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The new postings of a batch, a vector per column, as UNNEST wants them.
#[derive(Default)]
struct PostingColumns {
    id: Vec<Uuid>,
    kind: Vec<&'static str>,
    initiator: Vec<Uuid>,
    from: Vec<Option<Uuid>>,
    to: Vec<Uuid>,
    amount_minor: Vec<i64>,
    currency: Vec<&'static str>,
    refusal: Vec<Option<&'static str>>,
    from_balance_minor: Vec<Option<i64>>,
    to_balance_minor: Vec<Option<i64>>,
}

impl PostingColumns {
    fn of(books: &Books) -> Self {
        let mut columns = Self::default();
        for (posting, outcome) in books.new_postings() {
            columns.id.push(posting.id);
            columns.kind.push(posting.kind.as_str());
            columns.initiator.push(posting.initiator);
            columns.from.push(posting.from);
            columns.to.push(posting.to);
            columns.amount_minor.push(posting.amount.amount_minor.0);
            columns.currency.push(posting.amount.currency.code());
            columns.refusal.push(outcome.err().map(Refusal::code));
            columns
                .from_balance_minor
                .push(outcome.ok().map(|applied| applied.from_balance.0));
            columns
                .to_balance_minor
                .push(outcome.ok().map(|applied| applied.to_balance.0));
        }
        columns
    }
}
