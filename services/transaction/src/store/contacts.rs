//! Contacts: whom somebody has paid by name, or has noted to pay.

use chrono::{DateTime, Utc};
use page::Place;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{State, Transaction};

/// How many a user has at most. What is paid beyond it is not noted.
pub const MOST: i64 = 500;

/// Notes who was paid by name, in the commit of the payment.
pub async fn note_paid(db: &mut PgConnection, paid: &[&Transaction]) -> sqlx::Result<()> {
    // Sorted, so that two batches that note the same people wait for each other and don't lock each other out; and a
    // person who was paid twice in a batch comes once.
    let mut notes: Vec<_> = paid
        .iter()
        .filter_map(|paid| match paid.state {
            State::Completed(done) => Some((paid.order.initiator, paid.order.about.person()?, done.at)),
            State::Pending | State::Failed(_) => None,
        })
        .filter(|(owner, person, _)| owner != person)
        .collect();
    notes.sort_unstable();
    notes.dedup_by_key(|(owner, person, _)| (*owner, *person));
    let ids: Vec<_> = notes.iter().map(|_| Uuid::now_v7()).collect();
    let owners: Vec<_> = notes.iter().map(|note| note.0).collect();
    let people: Vec<_> = notes.iter().map(|note| note.1).collect();
    let times: Vec<_> = notes.iter().map(|note| note.2).collect();
    sqlx::query!(
        "insert into contacts (id, owner_user_id, user_id, last_paid_at, created_at)
         select news.id, news.owner, news.person, news.at, news.at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) as news (id, owner, person, at)
         where exists (select from contacts c where c.owner_user_id = news.owner and c.user_id = news.person)
            or (select count(*) from contacts c where c.owner_user_id = news.owner) < $5
         order by news.owner, news.person
         on conflict (owner_user_id, user_id)
         do update set last_paid_at = greatest(contacts.last_paid_at, excluded.last_paid_at)",
        &ids,
        &owners,
        &people,
        &times,
        MOST,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whom a user means by an alias.
pub async fn by_alias(db: &mut PgConnection, owner: Uuid, alias: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select user_id from contacts where owner_user_id = $1 and lower(alias) = lower($2)",
        owner,
        alias,
    )
    .fetch_optional(db)
    .await
}

/// A person whom somebody may pay by name.
pub struct Contact {
    pub id: Uuid,
    pub user_id: Uuid,
    /// None: they are not there any more.
    pub username: Option<String>,
    pub alias: Option<String>,
    pub last_paid_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Makes somebody a contact, or gives the alias to the one that there is; says which it is. None: the owner has [`MOST`]
/// already. Requests of the same owner wait for each other, so that none slips by.
///
/// # Errors
/// The constraint `contacts_alias_unique` says that another contact has the alias.
pub async fn put(
    db: &mut PgConnection,
    id: Uuid,
    owner: Uuid,
    person: Uuid,
    alias: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('contacts ' || $1::text, 0))",
        owner.to_string()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!(
        "insert into contacts (id, owner_user_id, user_id, alias, created_at)
         select $1, $2, $3, $4, $5
         where exists (select from contacts where owner_user_id = $2 and user_id = $3)
            or (select count(*) from contacts where owner_user_id = $2) < $6
         on conflict (owner_user_id, user_id) do update set alias = coalesce(excluded.alias, contacts.alias)
         returning id",
        id,
        owner,
        person,
        alias,
        now,
        MOST,
    )
    .fetch_optional(db)
    .await
}

pub async fn find(db: &mut PgConnection, owner: Uuid, id: Uuid) -> sqlx::Result<Option<Contact>> {
    sqlx::query_as!(
        Contact,
        r#"select c.id, c.user_id, p.username as "username?", c.alias, c.last_paid_at, c.created_at
           from contacts c left join people p on p.user_id = c.user_id where c.id = $1 and c.owner_user_id = $2"#,
        id,
        owner,
    )
    .fetch_optional(db)
    .await
}

/// The `limit` of a user's contacts at `place`, newest first.
pub async fn list(
    db: &mut PgConnection,
    owner: Uuid,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Contact>> {
    sqlx::query_as!(
        Contact,
        r#"select c.id as "id!", c.user_id as "user_id!", p.username as "username?", c.alias, c.last_paid_at,
                  c.created_at as "created_at!"
           from (
               (select * from contacts where owner_user_id = $1 and not $4 and id < $2 order by id desc limit $3)
               union all
               (select * from contacts where owner_user_id = $1 and $4 and id > $2 order by id limit $3)
           ) c left join people p on p.user_id = c.user_id order by c.id desc"#,
        owner,
        place.key().unwrap_or(Uuid::max()),
        limit,
        place.is_back(),
    )
    .fetch_all(db)
    .await
}

/// # Errors
/// The constraint `contacts_alias_unique` says that another contact has the alias.
pub async fn set_alias(
    db: &mut PgConnection,
    owner: Uuid,
    id: Uuid,
    alias: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update contacts set alias = $3 where id = $1 and owner_user_id = $2",
        id,
        owner,
        alias,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// False: there is none.
pub async fn delete(db: &mut PgConnection, owner: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from contacts where id = $1 and owner_user_id = $2",
        id,
        owner
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Forgets a user's contacts, and the user where others have them.
pub async fn erase(db: &mut PgConnection, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from contacts where owner_user_id = $1 or user_id = $1",
        user
    )
    .execute(db)
    .await?;
    Ok(())
}
