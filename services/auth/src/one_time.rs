//! One-time tokens: Token Provider signs them for one purpose, Email mails them, and here they are used up.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::users;
use crate::{APP_ID, AppState};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    EmailVerification,
    PasswordReset,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
        }
    }

    /// How long whoever gets the mail may take.
    pub fn ttl_s(self) -> i64 {
        match self {
            Self::EmailVerification => 24 * 3600,
            Self::PasswordReset => 30 * 60,
        }
    }
}

/// What a valid token says.
pub struct OneTime {
    pub user_id: Uuid,
    pub issued_at: DateTime<Utc>,
    jti: Uuid,
    expires_at: DateTime<Utc>,
}

/// Reads a token that is good for `purpose`.
pub async fn read(app: &AppState, token: &str, purpose: Purpose) -> Result<OneTime> {
    let claims = match app.identity.verify(token, "ott+jwt", APP_ID).await {
        Ok(claims) if claims.purpose.as_deref() == Some(purpose.name()) => claims,
        // Only the token can be at fault with a 401; anything else is ours to tell.
        Err(problem) if problem.status() != StatusCode::UNAUTHORIZED => return Err(problem),
        _ => return Err(invalid()),
    };
    let time = |seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(invalid);
    Ok(OneTime {
        user_id: claims.sub.parse().map_err(|_| invalid())?,
        issued_at: time(claims.iat)?,
        expires_at: time(claims.exp)?,
        jti: claims.jti,
    })
}

impl OneTime {
    /// Uses the token up, in the transaction of its effect.
    pub async fn use_up(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
        if users::use_token(conn, self.jti, self.expires_at, now).await? {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::CONFLICT,
            "token_already_used",
            "This token was used before",
        ))
    }
}

pub fn invalid() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "one_time_token_invalid",
        "This token is not valid, or no longer",
    )
}
