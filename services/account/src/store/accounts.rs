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
    pub owner: Uuid,
    pub r#type: AccountType,
    pub currency: Currency,
    pub name: String,
    pub status: Status,
    pub is_default: bool,
    pub balance: Minor,
    pub held: Minor,
    pub limits: Limits,
    pub created_at: DateTime<Utc>,
}

/// What an operator may change of an account.
#[derive(Clone, Copy)]
pub struct Limits {
    /// The lowest that balance minus held may become.
    pub limit: Minor,
    pub max_per_movement: Option<Minor>,
    pub max_per_day: Option<Minor>,
}

impl OwnAccount {
    /// Balance minus held.
    pub fn available(&self) -> Minor {
        // The database keeps this difference above the limit, so it is in range.
        self.balance.checked_sub(self.held).unwrap_or_default()
    }
}

/// Who opens what. The type's rules are copied from its row.
pub struct NewAccount<'a> {
    pub id: Uuid,
    pub owner: Uuid,
    pub r#type: &'a str,
    pub currency: &'a str,
    /// None: the name of the type.
    pub name: Option<&'a str>,
}

/// An entry of an account, as history shows it.
pub struct EntryRow {
    pub posting_id: Uuid,
    pub sequence: i64,
    pub amount_minor: i64,
    pub balance_minor: i64,
    pub created_at: DateTime<Utc>,
}

/// Opens an account of each type that everybody gets, once per user however many race (`accounts_provisioned_once`). The
/// first one is the default, unless the user has one. Who was erased (only then is the default account closed) gets none.
pub async fn provision(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<()> {
    let missing = sqlx::query!(
        "select type, currency from account_types t
         where opened_at_first_login
           and not exists (select from accounts a
                           where a.owner_user_id = $1 and a.type = t.type and a.currency = t.currency and a.provisioned)
           and not exists (select from accounts a where a.owner_user_id = $1 and a.is_default and a.status = 'closed')
         order by type <> 'current', currency, type",
        owner,
    )
    .fetch_all(&mut *db)
    .await?;
    if missing.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = missing.iter().map(|_| Uuid::now_v7()).collect();
    let (types, currencies): (Vec<_>, Vec<_>) =
        missing.into_iter().map(|row| (row.r#type, row.currency)).unzip();
    sqlx::query!(
        "insert into accounts (id, owner_user_id, type, currency, name, is_default, provisioned, limit_minor,
                               max_per_movement_minor, max_per_day_minor)
         select wanted.id, $1, t.type, t.currency, t.name,
                wanted.place = 1 and not exists (select from accounts a where a.owner_user_id = $1 and a.is_default), true,
                t.limit_minor, t.max_per_movement_minor, t.max_per_day_minor
         from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality as wanted (id, type, currency, place)
         join account_types t on t.type = wanted.type and t.currency = wanted.currency
         order by wanted.place
         on conflict do nothing",
        owner,
        &ids,
        &types,
        &currencies,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Until the end of the transaction nobody else opens accounts for this user, or erases them.
pub async fn lock_user(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended($1::text, 0)) as "locked!: ()""#,
        owner.to_string()
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// How many accounts of a user are not closed, and whether the default one is. To be read under [`lock_user`].
pub async fn standing(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<(i64, bool)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where status <> 'closed') as "open!",
                  coalesce(bool_or(is_default and status = 'closed'), false) as "erased!"
         from accounts where owner_user_id = $1"#,
        owner,
    )
    .fetch_one(db)
    .await?;
    Ok((row.open, row.erased))
}

/// Opens an account, which is the default one if there is no other. False: the id is taken.
pub async fn open(db: &mut PgConnection, new: &NewAccount<'_>) -> sqlx::Result<bool> {
    let opened = sqlx::query!(
        "insert into accounts (id, owner_user_id, type, currency, name, is_default, limit_minor, max_per_movement_minor,
                               max_per_day_minor)
         select $1, $2, type, currency, coalesce($5, name),
                not exists (select from accounts where owner_user_id = $2 and is_default),
                limit_minor, max_per_movement_minor, max_per_day_minor
         from account_types where type = $3 and currency = $4
         on conflict (id) do nothing",
        new.id,
        new.owner,
        new.r#type,
        new.currency,
        new.name,
    )
    .execute(db)
    .await?;
    Ok(opened.rows_affected() == 1)
}

/// A page of a user's accounts, in the order of their ids.
pub async fn of_owner(
    db: &mut PgConnection,
    owner: Uuid,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<OwnAccount>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", owner_user_id as "owner_user_id!", type as "type!", currency as "currency!", name as "name!",
                  status as "status!", is_default as "is_default!", balance_minor as "balance_minor!",
                  held_minor as "held_minor!", limit_minor as "limit_minor!", max_per_movement_minor, max_per_day_minor,
                  created_at as "created_at!"
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
    let account = find_anybodys(db, id).await?;
    Ok(account.filter(|account| account.owner == owner))
}

/// One account, whichever user's; a system account is nobody's.
pub async fn find_anybodys(db: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<OwnAccount>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, owner_user_id as "owner_user_id!", type, currency, name, status, is_default, balance_minor, held_minor,
                  limit_minor as "limit_minor!", max_per_movement_minor, max_per_day_minor, created_at
         from accounts where id = $1 and owner_user_id is not null"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(OwnAccount::try_from).transpose()
}

/// Locks one account until the end of the transaction, if it is this user's.
pub async fn lock(db: &mut PgConnection, owner: Uuid, id: Uuid) -> sqlx::Result<Option<OwnAccount>> {
    lock_one(db, Some(owner), id).await
}

/// Locks one account until the end of the transaction, whichever user's.
pub async fn lock_anybodys(db: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<OwnAccount>> {
    lock_one(db, None, id).await
}

async fn lock_one(db: &mut PgConnection, owner: Option<Uuid>, id: Uuid) -> sqlx::Result<Option<OwnAccount>> {
    // The owner of a system account is null, which equals nothing.
    let row = sqlx::query_as!(
        Row,
        r#"select id, owner_user_id as "owner_user_id!", type, currency, name, status, is_default, balance_minor, held_minor,
                  limit_minor as "limit_minor!", max_per_movement_minor, max_per_day_minor, created_at
         from accounts where id = $1 and owner_user_id = coalesce($2, owner_user_id) for update"#,
        id,
        owner,
    )
    .fetch_optional(db)
    .await?;
    row.map(OwnAccount::try_from).transpose()
}

/// Locks all accounts of a user until the end of the transaction, in the order in which a batch of postings locks.
pub async fn lock_all(db: &mut PgConnection, owner: Uuid) -> sqlx::Result<Vec<OwnAccount>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, owner_user_id as "owner_user_id!", type, currency, name, status, is_default, balance_minor, held_minor,
                  limit_minor as "limit_minor!", max_per_movement_minor, max_per_day_minor, created_at
         from accounts where owner_user_id = $1 order by id for update"#,
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

pub async fn set_status(db: &mut PgConnection, id: Uuid, status: Status) -> sqlx::Result<()> {
    sqlx::query!(
        "update accounts set status = $2 where id = $1",
        id,
        status.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn rename(db: &mut PgConnection, id: Uuid, name: &str) -> sqlx::Result<()> {
    sqlx::query!("update accounts set name = $2 where id = $1", id, name)
        .execute(db)
        .await?;
    Ok(())
}

/// Makes this account the user's default one. To be called under [`lock_all`].
pub async fn move_default(db: &mut PgConnection, owner: Uuid, id: Uuid) -> sqlx::Result<()> {
    // One statement could set the new one first, and then there would be two for a moment (`accounts_one_default`).
    sqlx::query!(
        "update accounts set is_default = false where owner_user_id = $1 and is_default and id <> $2",
        owner,
        id,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update accounts set is_default = true where id = $1", id)
        .execute(db)
        .await?;
    Ok(())
}

pub async fn set_limits(db: &mut PgConnection, id: Uuid, limits: Limits) -> sqlx::Result<()> {
    sqlx::query!(
        "update accounts set limit_minor = $2, max_per_movement_minor = $3, max_per_day_minor = $4 where id = $1",
        id,
        limits.limit.0,
        limits.max_per_movement.map(|most| most.0),
        limits.max_per_day.map(|most| most.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where money for a user goes that names no account: the default one if it takes transfers of that currency now, else
/// the oldest that does.
pub async fn payee(db: &mut PgConnection, owner: Uuid, currency: Currency) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select a.id from accounts a join account_types t on t.type = a.type and t.currency = a.currency
         where a.owner_user_id = $1 and a.currency = $2 and a.status = 'open' and 'transfer' = any(t.receives)
         order by a.is_default desc, a.created_at, a.id limit 1",
        owner,
        currency.code(),
    )
    .fetch_optional(db)
    .await
}

struct Row {
    id: Uuid,
    owner_user_id: Uuid,
    r#type: String,
    currency: String,
    name: String,
    status: String,
    is_default: bool,
    balance_minor: i64,
    held_minor: i64,
    limit_minor: i64,
    max_per_movement_minor: Option<i64>,
    max_per_day_minor: Option<i64>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for OwnAccount {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            owner: row.owner_user_id,
            r#type: known(&row.r#type, AccountType::parse)?,
            currency: known(&row.currency, |code| code.parse().ok())?,
            name: row.name,
            status: known(&row.status, Status::parse)?,
            is_default: row.is_default,
            balance: Minor(row.balance_minor),
            held: Minor(row.held_minor),
            limits: Limits {
                limit: Minor(row.limit_minor),
                max_per_movement: row.max_per_movement_minor.map(Minor),
                max_per_day: row.max_per_day_minor.map(Minor),
            },
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
