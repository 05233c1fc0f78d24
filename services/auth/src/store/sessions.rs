use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

/// A login that goes on.
pub struct Session {
    pub id: Uuid,
    pub user_id: Uuid,
    /// What the gateway knows a browser's session by; other clients have none.
    pub session_ref: Option<String>,
    /// Of a browser's session, sealed; other clients hold their own.
    pub refresh_token: Option<Vec<u8>>,
    pub device: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
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
pub async fn insert(conn: &mut PgConnection, session: &Session) -> sqlx::Result<()> {
    query!(
        "INSERT INTO sessions (id, user_id, session_ref, refresh_token, device, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        session.id,
        session.user_id,
        session.session_ref,
        session.refresh_token,
        session.device,
        session.created_at,
        session.last_used_at,
        session.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The browser's session, locked until the transaction ends: a refresh token is good for one use, so its uses come one by one.
pub async fn lock_by_ref(conn: &mut PgConnection, session_ref: &str) -> sqlx::Result<Option<Session>> {
    query_as!(
        Session,
        "SELECT id, user_id, session_ref, refresh_token, device, created_at, last_used_at, expires_at, ended_at
           FROM sessions WHERE session_ref = $1 FOR UPDATE",
        session_ref
    )
    .fetch_optional(conn)
    .await
}

/// As [`lock_by_ref`], for a client that holds its own refresh token.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Session>> {
    query_as!(
        Session,
        "SELECT id, user_id, session_ref, refresh_token, device, created_at, last_used_at, expires_at, ended_at
           FROM sessions WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await
}

/// The user's sessions that go on, the last used first.
pub async fn of_user(
    conn: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Session>> {
    query_as!(
        Session,
        "SELECT id, user_id, session_ref, refresh_token, device, created_at, last_used_at, expires_at, ended_at
           FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
          ORDER BY last_used_at DESC LIMIT 200",
        user_id,
        now
    )
    .fetch_all(conn)
    .await
}

/// Notes a use, and the refresh token for the next one of a browser's session.
pub async fn used(
    conn: &mut PgConnection,
    id: Uuid,
    refresh_token: Option<&[u8]>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "UPDATE sessions SET refresh_token = $2, last_used_at = $3 WHERE id = $1",
        id,
        refresh_token,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends those of the user's sessions that go on, `only` one or all `but` one, and says which.
pub async fn end(
    conn: &mut PgConnection,
    user_id: Uuid,
    only: Option<Uuid>,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    query_scalar!(
        "UPDATE sessions SET ended_at = $4, refresh_token = NULL
          WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $4
            AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id <> $3)
         RETURNING id",
        user_id,
        only,
        but,
        now
    )
    .fetch_all(conn)
    .await
}

/// Forgets sessions that were over before `before`.
pub async fn forget_old(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "DELETE FROM sessions WHERE expires_at < $1 OR ended_at < $1",
        before
    )
    .execute(&mut *conn)
    .await?;
    query!("DELETE FROM used_tokens WHERE expires_at < $1", before)
        .execute(conn)
        .await?;
    Ok(())
}
