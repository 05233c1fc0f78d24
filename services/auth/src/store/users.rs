use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::domain::standing::Status;

/// A user as the login needs them.
pub struct User {
    pub id: Uuid,
    pub password_hash: String,
    pub roles: Vec<String>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub locked_until: Option<DateTime<Utc>>,
}

impl User {
    pub fn status(&self) -> Status {
        Status {
            disabled_at: self.disabled_at,
            expires_at: self.expires_at,
            locked_until: self.locked_until,
        }
    }
}

/// How to reach a user.
pub struct Contact {
    pub user_id: Uuid,
    pub username: String,
    pub email: String,
    pub verified: bool,
}

/// # Errors
/// The constraints `users_username_unique` and `users_email_unique` say what is taken.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    username: &str,
    email: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "INSERT INTO users (id, username, email, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        username,
        email,
        password_hash,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// By username or by email address; a username holds no `@`, so the two can't be confused.
pub async fn find(conn: &mut PgConnection, login: &str) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        "SELECT id, password_hash, roles, disabled_at, expires_at, locked_until
           FROM users WHERE username = $1 OR email = $1",
        login
    )
    .fetch_optional(conn)
    .await
}

pub async fn find_by_id(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        "SELECT id, password_hash, roles, disabled_at, expires_at, locked_until FROM users WHERE id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// Counts a wrong password and gives how many there were in a row.
pub async fn count_failure(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i32> {
    query_scalar!(
        "UPDATE users SET failures = failures + 1 WHERE id = $1 RETURNING failures",
        id
    )
    .fetch_one(conn)
    .await
}

pub async fn lock(conn: &mut PgConnection, id: Uuid, until: DateTime<Utc>) -> sqlx::Result<()> {
    query!("UPDATE users SET locked_until = $2 WHERE id = $1", id, until)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets wrong passwords and says whether this is the user's first login. The row is locked, so two first logins at
/// once can't both be the first.
pub async fn logged_in(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    query_scalar!(
        r#"WITH before AS (SELECT first_login_at FROM users WHERE id = $1 FOR UPDATE)
           UPDATE users SET failures = 0, locked_until = NULL, first_login_at = COALESCE(users.first_login_at, $2)
             FROM before WHERE users.id = $1
           RETURNING before.first_login_at IS NULL AS "first!""#,
        id,
        now
    )
    .fetch_one(conn)
    .await
}

pub async fn contacts(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Contact>> {
    query_as!(
        Contact,
        r#"SELECT id AS user_id, username, email, email_verified_at IS NOT NULL AS "verified!"
             FROM users WHERE id = ANY($1)"#,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Notes that a one-time token is used up; `false` if it was before.
pub async fn use_token(
    conn: &mut PgConnection,
    jti: Uuid,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let used = query!(
        "INSERT INTO used_tokens (jti, used_at, expires_at) VALUES ($1, $2, $3) ON CONFLICT (jti) DO NOTHING",
        jti,
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

pub async fn verify_email(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET email_verified_at = COALESCE(email_verified_at, $2) WHERE id = $1",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `false` if there is no such user.
pub async fn grant(conn: &mut PgConnection, username: &str, role: &str) -> sqlx::Result<bool> {
    let granted = query!(
        "UPDATE users SET roles = CASE WHEN $2 = ANY(roles) THEN roles ELSE roles || $2::text END WHERE username = $1",
        username,
        role
    )
    .execute(conn)
    .await?;
    Ok(granted.rows_affected() == 1)
}
