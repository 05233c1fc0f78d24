//! The balances of all accounts, for whoever checks the ledger.

use sqlx::PgConnection;
use uuid::Uuid;

/// Both numbers are of one row, so they belong together: the balance is the sum of so many entries.
pub struct BalanceRow {
    pub id: Uuid,
    pub system: bool,
    pub balance_minor: i64,
    pub entries: i64,
}

/// A page of all accounts, also those of the system, in the order of their ids, after the account `after`.
pub async fn all(db: &mut PgConnection, after: Uuid, limit: i64) -> sqlx::Result<Vec<BalanceRow>> {
    sqlx::query_as!(
        BalanceRow,
        r#"select id, owner_user_id is null as "system!", balance_minor, sequence as entries
           from accounts where id > $1 order by id limit $2"#,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}
