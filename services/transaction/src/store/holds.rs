//! Holds: which are open, and how the others have ended.

use chrono::{DateTime, Utc};
use money::Minor;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Kind, Transaction};

/// How a hold has ended, or is about to.
pub struct End {
    pub transaction_id: Uuid,
    pub kind: Kind,
    pub amount: Minor,
    pub completed_at: Option<DateTime<Utc>>,
}

/// What ends a hold, if anything does. There is at most one that has not failed.
pub async fn end_of(db: &mut PgConnection, hold_id: Uuid) -> sqlx::Result<Option<End>> {
    let row = sqlx::query!(
        "select id, kind, amount_minor, completed_at from transactions where hold_id = $1 and state <> 'failed'",
        hold_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        Some(End {
            transaction_id: row.id,
            kind: Kind::parse(&row.kind)?,
            amount: Minor(row.amount_minor),
            completed_at: row.completed_at,
        })
    }))
}

/// The ids of a user's open holds, on either side, the one that ends first at first.
pub async fn open_of(db: &mut PgConnection, user: Uuid, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select t.id from open_holds o join transactions t on t.id = o.transaction_id
         where t.initiator_user_id = $1 or t.to_user_id = $1
         order by o.expires_at, t.id limit $2",
        user,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The ids of open holds whose time was over `since_s` seconds ago: the ledger's clock may be a little behind ours.
pub async fn due(db: &mut PgConnection, since_s: f64, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select transaction_id from open_holds where expires_at <= now() - make_interval(secs => $1)
         order by expires_at limit $2",
        since_s,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Notes holds that were authorised.
pub async fn open(db: &mut PgConnection, holds: &[&Transaction]) -> sqlx::Result<()> {
    let ends: Vec<_> = holds
        .iter()
        .filter_map(|hold| Some((hold.id, hold.order.about.until()?)))
        .collect();
    let (ids, ends): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    sqlx::query!(
        "insert into open_holds (transaction_id, expires_at) select * from unnest($1::uuid[], $2::timestamptz[])",
        &ids,
        &ends,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that holds have ended.
pub async fn close(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("delete from open_holds where transaction_id = any($1)", ids)
        .execute(db)
        .await?;
    Ok(())
}
