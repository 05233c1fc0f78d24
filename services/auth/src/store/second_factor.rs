//! Secrets of authenticator apps, and recovery codes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query};
use uuid::Uuid;

/// A user's authenticator app.
pub struct Totp {
    /// Sealed.
    pub secret: Option<Vec<u8>>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_step: i64,
}

/// The user's row stays locked until the transaction ends, so that a code can't be used twice at once.
pub async fn lock(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Option<Totp>> {
    let row = query!(
        "SELECT totp_secret, totp_confirmed_at, totp_last_step FROM users WHERE id = $1 FOR UPDATE",
        user_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Totp {
        secret: row.totp_secret,
        confirmed_at: row.totp_confirmed_at,
        last_step: row.totp_last_step,
    }))
}

/// Sets a secret that has yet to be confirmed, or takes the second factor off.
pub async fn set(conn: &mut PgConnection, user_id: Uuid, secret: Option<&[u8]>) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET totp_secret = $2, totp_confirmed_at = NULL, totp_last_step = 0 WHERE id = $1",
        user_id,
        secret
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn confirm(conn: &mut PgConnection, user_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET totp_confirmed_at = $2 WHERE id = $1",
        user_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_last_step(conn: &mut PgConnection, user_id: Uuid, step: i64) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET totp_last_step = $2 WHERE id = $1",
        user_id,
        step
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts new recovery codes in the place of the old ones.
pub async fn replace_recovery_codes(
    conn: &mut PgConnection,
    user_id: Uuid,
    hashes: &[Vec<u8>],
) -> sqlx::Result<()> {
    query!("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
        .execute(&mut *conn)
        .await?;
    query!(
        "INSERT INTO recovery_codes (user_id, hash) SELECT $1, hash FROM unnest($2::bytea[]) AS hash",
        user_id,
        hashes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a recovery code up; `false` if there is no such code.
pub async fn use_recovery_code(conn: &mut PgConnection, user_id: Uuid, hash: &[u8]) -> sqlx::Result<bool> {
    let used = query!(
        "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2",
        user_id,
        hash
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}
