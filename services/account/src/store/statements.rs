//! Which statements are announced.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use money::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::domain::Month;

/// How far the announcements are.
pub struct Progress {
    pub month: Month,
    /// The last account of the month that was looked at.
    pub after: Uuid,
}

/// An account that may have a statement.
pub struct Candidate {
    pub id: Uuid,
    pub owner: Uuid,
    pub currency: Currency,
}

/// Replicas take turns: none if another is at it. The turn ends with the transaction.
pub async fn take_turn(db: &mut PgConnection) -> sqlx::Result<Option<Progress>> {
    let row = sqlx::query!("select month, after_account from statement_progress for update skip locked")
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| Progress {
        month: Month::with(row.month),
        after: row.after_account,
    }))
}

pub async fn set_progress(db: &mut PgConnection, progress: &Progress) -> sqlx::Result<()> {
    sqlx::query!(
        "update statement_progress set month = $1, after_account = $2",
        progress.month.first_day(),
        progress.after,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The next accounts of users that were there before a time, by their ids. Who was erased (only then is the default account
/// closed) is told nothing any more.
pub async fn candidates(
    db: &mut PgConnection,
    after: Uuid,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query!(
        r#"select id, owner_user_id as "owner_user_id!", currency from accounts a
           where id > $1 and created_at < $2 and owner_user_id is not null
             and not exists (select from accounts d
                             where d.owner_user_id = a.owner_user_id and d.is_default and d.status = 'closed')
           order by id limit $3"#,
        after,
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                id: row.id,
                owner: row.owner_user_id,
                currency: known(&row.currency, |code| code.parse().ok())?,
            })
        })
        .collect()
}

/// Notes that the statements of these accounts are announced, and says of which they were not yet.
pub async fn note_announced(
    db: &mut PgConnection,
    accounts: &[Uuid],
    month: Month,
) -> sqlx::Result<HashSet<Uuid>> {
    let new = sqlx::query_scalar!(
        "insert into statements_announced (account_id, month) select unnest($1::uuid[]), $2
         on conflict do nothing returning account_id",
        accounts,
        month.first_day(),
    )
    .fetch_all(db)
    .await?;
    Ok(new.into_iter().collect())
}
