use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

pub struct Session {
    pub id: Uuid,
    pub user_id: Uuid,
    pub refresh_token: String,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Session {
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_some() || self.expires_at <= now
    }
}

/// # Errors
/// The constraint `sessions_session_ref_unique` if another session has that name.
pub async fn insert(
    conn: &mut PgConnection,
    session: &Session,
    session_ref: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO sessions (id, user_id, session_ref, refresh_token, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        session.id,
        session.user_id,
        session_ref,
        session.refresh_token,
        now,
        session.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The session, locked until the transaction ends: a refresh token is good for one use, so its uses come one by one.
pub async fn lock(conn: &mut PgConnection, session_ref: &str) -> sqlx::Result<Option<Session>> {
    query_as!(
        Session,
        "SELECT id, user_id, refresh_token, expires_at, ended_at FROM sessions WHERE session_ref = $1 FOR UPDATE",
        session_ref
    )
    .fetch_optional(conn)
    .await
}

pub async fn set_refresh_token(conn: &mut PgConnection, id: Uuid, refresh_token: &str) -> sqlx::Result<()> {
    query!(
        "UPDATE sessions SET refresh_token = $2 WHERE id = $1",
        id,
        refresh_token
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE sessions SET ended_at = COALESCE(ended_at, $2) WHERE id = $1",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
