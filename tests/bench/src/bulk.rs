//! Books of any size with five million entries, written by the database itself in seconds.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

/// What all these accounts are called.
pub const NAME: &str = "Bulk";

/// Two for each deposit and each transfer.
const ENTRIES: u32 = 5_000_000;
const OF_ACCOUNT: &str = include_str!("bulk_account.sql");
const OF_TRANSACTION: &str = include_str!("bulk_transaction.sql");

/// Fills the databases of a fresh system. The person gets every thousandth account, and so the same share of all transfers.
pub async fn fill(books: &PgPool, transactions: &PgPool, accounts: u32, person: Uuid) -> anyhow::Result<()> {
    let script = |text: &str| {
        text.replace(":accounts", &accounts.to_string())
            .replace(":transfers", &transfers(accounts).to_string())
            .replace(":person", &person.to_string())
    };
    // One database on each core.
    tokio::try_join!(
        fill_one(books, &["postings", "entries"], script(OF_ACCOUNT)),
        fill_one(transactions, &["transactions"], script(OF_TRANSACTION)),
    )?;
    Ok(())
}

fn transfers(accounts: u32) -> u32 {
    ENTRIES / 2 - accounts
}

/// In one transaction, so that the service, which looks for work meanwhile, waits and never sees a table without its indexes.
async fn fill_one(pool: &PgPool, tables: &[&str], script: String) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let mut indexes = Vec::new();
    for table in tables {
        indexes.extend(drop_indexes(&mut tx, table).await?);
    }
    run(&mut tx, script).await?;
    for index in indexes {
        run(&mut tx, index).await?;
    }
    tx.commit().await?;
    // Otherwise the server would do it by itself in the middle of the measurement.
    sqlx::raw_sql("vacuum analyze").execute(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}

/// Sorting five million keys once is much faster than finding a place for each. Gives what makes them anew.
async fn drop_indexes(db: &mut PgConnection, table: &str) -> anyhow::Result<Vec<String>> {
    let constraints = sqlx::query_as::<_, (String, String)>(
        "select format('alter table %I drop constraint %I', $1, conname),
                format('alter table %I add constraint %I %s', $1, conname, pg_get_constraintdef(oid))
         from pg_constraint where conrelid = $1::regclass and contype in ('p', 'u')",
    );
    let mut statements = constraints.bind(table).fetch_all(&mut *db).await?;
    let indexes = sqlx::query_as::<_, (String, String)>(
        "select format('drop index %I', indexname), indexdef from pg_indexes
         where schemaname = 'public' and tablename = $1
           and indexname not in (select conname from pg_constraint where conrelid = $1::regclass)",
    );
    statements.extend(indexes.bind(table).fetch_all(&mut *db).await?);
    let mut again = Vec::new();
    for (drop, make) in statements {
        run(db, drop).await?;
        again.push(make);
    }
    Ok(again)
}

async fn run(db: &mut PgConnection, statements: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_of_every_size_have_as_many_entries() {
        for accounts in [1_000, 100_000, 1_000_000] {
            assert_eq!(2 * (accounts + transfers(accounts)), ENTRIES);
        }
    }
}
