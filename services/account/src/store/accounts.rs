//! Accounts as their owners see them.

use chrono::{DateTime, Utc};
use money::{Currency, Minor};
use page::Place;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known;
use crate::domain::{AccountType, Status};

/// An account of a user.
pub struct OwnAccount {
    pub id: Uuid,
    pub r#type: AccountType,
    pub currency: Currency,
    pub name: String,
    pub status: Status,
    pub balance: Minor,
    pub held: Minor,
    pub created_at: DateTime<Utc>,
}

/// An entry of an account, as history shows it.
pub struct EntryRow {
    pub posting_id: Uuid,
    pub sequence: i64,
    pub amount_minor: i64,
    pub balance_minor: i64,
    pub created_at: DateTime<Utc>,
}

/// Opens the default account unless the user has one; two that race open one (`accounts_one_default`).
pub async fn open_default(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into accounts (id, owner_user_id, type, currency, name, is_default, limit_minor)
         values ($1, $2, 'current', 'EUR', 'Current account', true, 0)
         on conflict (owner_user_id) where is_default do nothing",
        Uuid::now_v7(),
        owner,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of a user's accounts, oldest first.
pub async fn of_owner(
    db: &mut PgConnection,
    owner: Uuid,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<OwnAccount>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", type as "type!", currency as "currency!", name as "name!", status as "status!",
                  balance_minor as "balance_minor!", held_minor as "held_minor!", created_at as "created_at!"
           from (
               (select * from accounts where owner_user_id = $1 and not $4 and id > $2 order by id limit $3)
               union all
               (select * from accounts where owner_user_id = $1 and $4 and id < $2 order by id desc limit $3)
           ) as page order by id"#,
        owner,
        place.key().unwrap_or(Uuid::nil()),
        limit,
        place.is_back(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(OwnAccount::try_from).collect()
}

/// One account, if it is this user's.
pub async fn find(db: &mut PgConnection, owner: Uuid, id: Uuid) -> sqlx::Result<Option<OwnAccount>> {
    let row = sqlx::query_as!(
        Row,
        "select id, type, currency, name, status, balance_minor, held_minor, created_at
         from accounts where owner_user_id = $1 and id = $2",
        owner,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(OwnAccount::try_from).transpose()
}

/// Locks all accounts of a user until the end of the transaction, in the order in which a batch of postings locks.
pub async fn lock_all(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<Vec<OwnAccount>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, type, currency, name, status, balance_minor, held_minor, created_at
         from accounts where owner_user_id = $1 order by id for update",
        owner,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(OwnAccount::try_from).collect()
}

/// Closes all accounts of a user, and leaves nothing in them that the user wrote.
pub async fn close_all(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update accounts set status = 'closed', name = 'closed' where owner_user_id = $1",
        owner
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    r#type: String,
    currency: String,
    name: String,
    status: String,
    balance_minor: i64,
    held_minor: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for OwnAccount {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            r#type: known(&row.r#type, AccountType::parse)?,
            currency: known(&row.currency, |code| code.parse().ok())?,
            name: row.name,
            status: known(&row.status, Status::parse)?,
            balance: Minor(row.balance_minor),
            held: Minor(row.held_minor),
            created_at: row.created_at,
        })
    }
}

/// A page of an account's entries, newest first, by their sequences.
pub async fn entries(
    db: &mut PgConnection,
    account: Uuid,
    place: Place<i64>,
    limit: i64,
) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        r#"select posting_id as "posting_id!", sequence as "sequence!", amount_minor as "amount_minor!",
                  balance_minor as "balance_minor!", created_at as "created_at!"
           from (
               (select * from entries where account_id = $1 and not $4 and sequence < $2 order by sequence desc limit $3)
               union all
               (select * from entries where account_id = $1 and $4 and sequence > $2 order by sequence limit $3)
           ) as page order by sequence desc"#,
        account,
        place.key().unwrap_or(i64::MAX),
        limit,
        place.is_back(),
    )
    .fetch_all(db)
    .await
}
