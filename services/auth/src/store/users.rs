use chrono::{DateTime, Utc};
use page::Place;
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::domain::standing::Status;

/// A user, with what decides about a login.
#[derive(Clone)]
pub struct User {
    pub id: Uuid,
    pub username: String,
    pub email: String,
    pub password_hash: String,
    pub roles: Vec<String>,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub locked_until: Option<DateTime<Utc>>,
    pub first_login_at: Option<DateTime<Utc>>,
    pub password_changed_at: Option<DateTime<Utc>>,
    pub totp_confirmed_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
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
/// The constraint `users_username_unique` says that the name is taken.
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

/// By username, or by an address that was verified; a username holds no `@`, so the two can't be confused.
pub async fn find(conn: &mut PgConnection, login: &str) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        "SELECT id, username, email, password_hash, roles, email_verified_at, disabled_at, expires_at, locked_until,
                first_login_at, password_changed_at, totp_confirmed_at, deleted_at, created_at
           FROM users WHERE deleted_at IS NULL AND (username = $1 OR (email = $1 AND email_verified_at IS NOT NULL))",
        login
    )
    .fetch_optional(conn)
    .await
}

pub async fn find_by_id(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        "SELECT id, username, email, password_hash, roles, email_verified_at, disabled_at, expires_at, locked_until,
                first_login_at, password_changed_at, totp_confirmed_at, deleted_at, created_at
           FROM users WHERE deleted_at IS NULL AND id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// The `limit` users at `place`, newest first; of those whose username begins with `search`, or whose address it is.
pub async fn list(
    conn: &mut PgConnection,
    search: Option<&str>,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<User>> {
    query_as!(
        User,
        r#"SELECT id AS "id!", username AS "username!", email AS "email!", password_hash AS "password_hash!",
                roles AS "roles!", email_verified_at, disabled_at, expires_at, locked_until, first_login_at,
                password_changed_at, totp_confirmed_at, deleted_at, created_at AS "created_at!"
           FROM (
             (SELECT * FROM users
               WHERE ($1::text IS NULL OR starts_with(username, $1) OR email = $1) AND NOT $4 AND id < $2
               ORDER BY id DESC LIMIT $3)
             UNION ALL
             (SELECT * FROM users
               WHERE ($1::text IS NULL OR starts_with(username, $1) OR email = $1) AND $4 AND id > $2
               ORDER BY id LIMIT $3)
           ) AS page ORDER BY id DESC"#,
        search,
        place.key().unwrap_or(Uuid::max()),
        limit,
        place.is_back(),
    )
    .fetch_all(conn)
    .await
}

/// The user, locked until the transaction ends.
pub async fn lock_by_id(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<User>> {
    query!("SELECT FROM users WHERE id = $1 FOR UPDATE", id)
        .fetch_optional(&mut *conn)
        .await?;
    find_by_id(conn, id).await
}

/// Says whether this is the user's first login. The row is locked, so two first logins at once can't both be the first.
pub async fn logged_in(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    query_scalar!(
        r#"WITH before AS (SELECT first_login_at FROM users WHERE id = $1 FOR UPDATE)
           UPDATE users SET first_login_at = COALESCE(users.first_login_at, $2)
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
             FROM users WHERE deleted_at IS NULL AND id = ANY($1)"#,
        ids
    )
    .fetch_all(conn)
    .await
}

/// The name of another user to whom this address belongs.
pub async fn owner_of(conn: &mut PgConnection, email: &str, but: Uuid) -> sqlx::Result<Option<String>> {
    query_scalar!(
        "SELECT username FROM users WHERE email = $1 AND email_verified_at IS NOT NULL AND id <> $2",
        email,
        but
    )
    .fetch_optional(conn)
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

/// # Errors
/// The constraint `users_verified_email_unique` if the address belongs to another account by now.
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

pub async fn set_password(
    conn: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
        id,
        password_hash,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets what an administrator decides about an account.
pub async fn set_standing(
    conn: &mut PgConnection,
    id: Uuid,
    status: &Status,
    roles: &[String],
) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET disabled_at = $2, expires_at = $3, locked_until = $4, roles = $5 WHERE id = $1",
        id,
        status.disabled_at,
        status.expires_at,
        status.locked_until,
        roles
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody else is an administrator who can log in. Those rows stay locked, so that two administrators can't
/// take the role from each other at once.
pub async fn other_admin(conn: &mut PgConnection, but: Uuid) -> sqlx::Result<bool> {
    let others = query!(
        "SELECT id FROM users
          WHERE 'admin' = ANY(roles) AND disabled_at IS NULL AND deleted_at IS NULL ORDER BY id FOR UPDATE"
    )
    .fetch_all(conn)
    .await?;
    Ok(others.iter().any(|admin| admin.id != but))
}

/// Leaves nothing of a person but the id, which other services' records name.
pub async fn erase(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "UPDATE users SET username = 'deleted-' || id, email = 'deleted-' || id, password_hash = '', roles = '{}',
                email_verified_at = NULL, totp_secret = NULL, totp_confirmed_at = NULL, deleted_at = $2
          WHERE id = $1",
        id,
        now
    )
    .execute(&mut *conn)
    .await?;
    query!("DELETE FROM devices WHERE user_id = $1", id)
        .execute(&mut *conn)
        .await?;
    query!("DELETE FROM recovery_codes WHERE user_id = $1", id)
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
