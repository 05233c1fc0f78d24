//! Families of refresh tokens.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::domain::refresh::Presented;

pub struct Family {
    pub id: Uuid,
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// A new family with its first token. Its commit does not wait for the disk: a family that a crash of the database
/// loses costs its user a login, and nothing else.
pub async fn insert_family(
    conn: &mut PgConnection,
    family: &Family,
    first_token: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "WITH family AS (
           INSERT INTO families (id, user_id, session_id, created_at, expires_at)
           SELECT $1, $2, $3, $4, $5 FROM set_config('synchronous_commit', 'off', true)
           RETURNING id, created_at)
         INSERT INTO refresh_tokens (hash, family_id, issued_at) SELECT $6, id, created_at FROM family",
        family.id,
        family.user_id,
        family.session_id,
        now,
        family.expires_at,
        first_token
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_token(
    conn: &mut PgConnection,
    hash: &[u8],
    family_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO refresh_tokens (hash, family_id, issued_at) VALUES ($1, $2, $3)",
        hash,
        family_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The token's family and what the rules need to know; the family stays locked until the transaction ends, so that two
/// uses of one token don't both find it unused.
pub async fn lock(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<(Family, Presented)>> {
    let family = query!(
        "SELECT f.id, f.user_id, f.session_id, f.expires_at, f.revoked_at
           FROM refresh_tokens t JOIN families f ON f.id = t.family_id
          WHERE t.hash = $1 FOR UPDATE OF f",
        hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(family) = family else { return Ok(None) };
    let token = query!(
        r#"SELECT t.used_at, s.used_at IS NOT NULL AS "successor_used!"
             FROM refresh_tokens t LEFT JOIN refresh_tokens s ON s.hash = t.successor
            WHERE t.hash = $1"#,
        hash
    )
    .fetch_one(conn)
    .await?;
    let presented = Presented {
        family_revoked: family.revoked_at.is_some(),
        family_expires_at: family.expires_at,
        used_at: token.used_at,
        successor_used: token.successor_used,
    };
    let family = Family {
        id: family.id,
        user_id: family.user_id,
        session_id: family.session_id,
        expires_at: family.expires_at,
    };
    Ok(Some((family, presented)))
}

/// Notes the use, and what it brought. A repeat within the grace keeps the first time, so that the grace does not grow,
/// and uses up what the first use brought: two who both hold an answer are found out when the other one comes back.
pub async fn mark_used(
    conn: &mut PgConnection,
    hash: &[u8],
    successor: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "UPDATE refresh_tokens SET used_at = COALESCE(used_at, $3), successor = $2
          WHERE hash = $1 OR hash = (SELECT successor FROM refresh_tokens WHERE hash = $1)",
        hash,
        successor,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn revoke(conn: &mut PgConnection, family_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE families SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1",
        family_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all families of these sessions.
pub async fn revoke_sessions(
    conn: &mut PgConnection,
    session_ids: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "UPDATE families SET revoked_at = $2 WHERE session_id = ANY($1) AND revoked_at IS NULL",
        session_ids,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets families that ended before `before`, with their tokens.
pub async fn forget_ended(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let forgotten = query!("DELETE FROM families WHERE expires_at < $1", before)
        .execute(conn)
        .await?;
    Ok(forgotten.rows_affected())
}
