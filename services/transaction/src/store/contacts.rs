//! Contacts: whom somebody has paid by name, or has noted to pay.

use std::collections::HashMap;

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

/// Of these transactions those whose payee was named, with the payee: for the recovery worker.
pub async fn addressed(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Uuid>> {
    let rows = sqlx::query!(
        r#"select id, addressed_user_id as "person!" from transactions
           where id = any($1) and addressed_user_id is not null"#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.person)).collect())
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
