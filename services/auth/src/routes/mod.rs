//! One endpoint, one file.

pub mod change_password;
pub mod change_user;
pub mod confirm_password;
pub mod confirm_totp;
pub mod contacts;
pub mod disable_totp;
pub mod email_verifications;
pub mod end_all_sessions;
pub mod end_own_session;
pub mod end_session;
pub mod end_sessions_of_user;
pub mod erase_user;
pub mod list_sessions;
pub mod list_users;
pub mod login;
pub mod new_recovery_codes;
pub mod password_resets;
pub mod refresh_session;
pub mod register;
pub mod renew_session;
pub mod request_password_reset;
pub mod reset_password;
pub mod show_account;
pub mod show_user;
pub mod start_totp;
pub mod usernames;
pub mod verify_email;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Grant;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::domain::credentials::is_sha256;
use crate::domain::limits::{self, Limit};
use crate::sessions::Access;
use crate::store::attempts;
use crate::store::sessions::Session;
use crate::store::users::User;

/// The gateway, on behalf of its clients.
pub struct Sessions;

impl Grant for Sessions {
    const CALLER: &str = "gateway";
    const SCOPE: &str = "auth:sessions";
}

/// Email, which has to know where to write.
pub struct Contacts;

impl Grant for Contacts {
    const CALLER: &str = "email";
    const SCOPE: &str = "contacts:read";
}

/// Names a browser's session: the hash of the gateway's cookie, which only the gateway can make.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRef {
    /// SHA-256 in lower-case hexadecimal.
    #[garde(custom(is_sha256))]
    pub session_ref: String,
}

/// A session's access token, for the gateway's cache or the client's own.
#[derive(Serialize, ToSchema)]
pub struct SessionAccess {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub session_expires_at: DateTime<Utc>,
    /// For clients that hold their own; good for one use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl SessionAccess {
    pub fn of(session: &Session, access: Access, refresh_token: Option<String>) -> Self {
        Self {
            user_id: session.user_id,
            session_id: session.id,
            access_token: access.access_token,
            access_expires_at: access.access_expires_at,
            session_expires_at: session.expires_at,
            refresh_token,
        }
    }
}

/// What a user logs in with, shown again.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordAgain {
    #[garde(length(max = 512))]
    pub password: String,
    /// Of the authenticator app, where the user has one.
    #[garde(length(max = 16))]
    pub code: Option<String>,
    /// In the place of `code`; each is good for one use.
    #[garde(length(max = 64))]
    pub recovery_code: Option<String>,
}

/// A user as the user themselves and administrators see them.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    pub user_id: Uuid,
    pub username: String,
    pub email: String,
    /// `active`, `unverified` (the address is), `locked`, `expired`, `disabled` or `deleted`.
    pub status: &'static str,
    pub roles: Vec<String>,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub locked_until: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub password_changed_at: Option<DateTime<Utc>>,
    /// Whether logging in takes a second factor.
    pub second_factor: bool,
    pub first_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl AccountView {
    pub fn of(user: User, now: DateTime<Utc>) -> Self {
        let locked_until = user.locked_until.filter(|until| *until > now);
        let status = if user.deleted_at.is_some() {
            "deleted"
        } else if user.disabled_at.is_some() {
            "disabled"
        } else if user.expires_at.is_some_and(|at| at <= now) {
            "expired"
        } else if locked_until.is_some() {
            "locked"
        } else if user.email_verified_at.is_none() {
            "unverified"
        } else {
            "active"
        };
        Self {
            user_id: user.id,
            username: user.username,
            email: user.email,
            status,
            roles: user.roles,
            email_verified_at: user.email_verified_at,
            locked_until,
            expires_at: user.expires_at,
            disabled_at: user.disabled_at,
            password_changed_at: user.password_changed_at,
            second_factor: user.totp_confirmed_at.is_some(),
            first_login_at: user.first_login_at,
            created_at: user.created_at,
        }
    }
}

/// The network that a request came from, as the gateway saw it: a prefix, no address of a person.
pub struct Network(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Network {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get("payme-client-network");
        let network = header.and_then(|value| value.to_str().ok()).unwrap_or("unknown");
        Ok(Self(network.to_owned()))
    }
}

/// Counts one more try, and refuses it if it is one too many.
pub async fn limited(app: &AppState, limits: &[Limit], now: DateTime<Utc>) -> Result<()> {
    let factor = app.config.rate_limit_factor;
    let limits: Vec<_> = limits
        .iter()
        .map(|limit| Limit {
            most: limit.most.saturating_mul(factor),
            ..limit.clone()
        })
        .collect();
    if attempts::count(&mut *app.pool.acquire().await?, &limits, limits::window(now)).await? {
        metrics::counter!("rate_limited_total").increment(1);
        return Err(Problem::rate_limited(limits::seconds_left(now)));
    }
    Ok(())
}

/// Whichever it was, name or password, is not told.
pub fn invalid_credentials() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "No account has this name and this password",
    )
}

pub fn session_ended() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "session_ended",
        "This session has ended; log in again",
    )
}

pub fn unknown_user() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_user", "There is no such user")
}
