//! The chain of seals, and what waits for it.

use chain::Head;
use sqlx::PgConnection;

/// Only this service uses its database, so a number is as good as another.
const SEALING: i64 = 1;

/// A committed batch of postings that is not yet in the chain.
pub struct Waiting {
    pub number: i64,
    pub digest: Vec<u8>,
}

/// A link of the chain as it is stored, and the digest of what its postings are now.
pub struct Seal {
    pub number: i64,
    pub hash: Vec<u8>,
    pub digest: Vec<u8>,
}

/// Replicas take turns: false if another is at it. The turn ends with the transaction.
pub async fn take_turn(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "taken!""#, SEALING)
        .fetch_one(db)
        .await
}

/// The newest link of the chain.
pub async fn head(db: &mut PgConnection) -> sqlx::Result<Head> {
    let row = sqlx::query!("select number, hash from seals order by number desc limit 1")
        .fetch_optional(db)
        .await?;
    let Some(row) = row else {
        return Ok(Head::GENESIS);
    };
    let hash = row
        .hash
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a hash has 32 bytes".into()))?;
    Ok(Head {
        number: row.number,
        hash,
    })
}

/// The oldest batches that wait. One that was begun earlier and is committed later goes into the chain later.
pub async fn waiting(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select number, digest_of_postings(posting_ids) as "digest!"
           from (select number, posting_ids from unsealed order by number limit $1) as oldest
           order by number"#,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Moves batches, named by the number under which they waited, into the chain.
pub async fn seal(db: &mut PgConnection, links: &[(i64, Head)]) -> sqlx::Result<()> {
    sqlx::query!(
        "with taken as (
             delete from unsealed using unnest($1::bigint[], $2::bigint[], $3::bytea[]) as link (waiting, number, hash)
             where unsealed.number = link.waiting
             returning link.number, unsealed.posting_ids, link.hash
         )
         insert into seals (number, posting_ids, hash) select number, posting_ids, hash from taken",
        &links.iter().map(|(waiting, _)| *waiting).collect::<Vec<_>>(),
        &links.iter().map(|(_, head)| head.number).collect::<Vec<_>>(),
        &links.iter().map(|(_, head)| head.hash.to_vec()).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of the chain, after a number, each with the digest as it is now.
pub async fn after(db: &mut PgConnection, number: i64, limit: i64) -> sqlx::Result<Vec<Seal>> {
    sqlx::query_as!(
        Seal,
        r#"select number, hash, digest_of_postings(posting_ids) as "digest!"
           from (select number, hash, posting_ids from seals where number > $1 order by number limit $2) as page
           order by number"#,
        number,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The hash of one link.
pub async fn hash_of(db: &mut PgConnection, number: i64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select hash from seals where number = $1", number)
        .fetch_optional(db)
        .await
}
