//! One endpoint, one file.

pub mod contacts;
pub mod email_verifications;
pub mod end_session;
pub mod login;
pub mod register;
pub mod renew_session;
pub mod verify_email;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Grant;
use problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The gateway, on behalf of browsers.
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

/// Names a session: the hash of the gateway's cookie, which only the gateway can make.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRef {
    /// SHA-256 in lower-case hexadecimal.
    #[garde(custom(is_session_ref))]
    pub session_ref: String,
}

/// A session's access token, for the gateway's cache.
#[derive(Serialize, ToSchema)]
pub struct SessionAccess {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub session_expires_at: DateTime<Utc>,
}

pub fn is_session_ref(value: &str, _: &()) -> garde::Result {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if value.len() == 64 && value.bytes().all(hex) {
        return Ok(());
    }
    Err(garde::Error::new("is no SHA-256 in lower-case hexadecimal"))
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
