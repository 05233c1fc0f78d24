//! Judging the second factor of a login.

use alert::{Alert, Kind};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::AppState;
use crate::domain::second_factor::{accepted, recovery_hash, totp};
use crate::events::security_alert;
use crate::store::second_factor::{self, Totp};
use crate::store::users::User;

/// Whether the code is right and was not used before; it is used up by this.
pub async fn check_code(
    app: &AppState,
    conn: &mut PgConnection,
    user_id: Uuid,
    factor: &Totp,
    code: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sealed = factor.secret.as_deref().unwrap_or_default();
    let secret = app
        .sealing
        .open(user_id.as_bytes(), sealed)
        .ok_or_else(|| Problem::internal(&"the secret of a second factor does not open"))?;
    // The account's name matters to what the app shows only.
    let totp = totp(secret, "user").map_err(|error| Problem::internal(&error))?;
    let Some(step) = accepted(&totp, code, factor.last_step, now) else {
        return Ok(false);
    };
    second_factor::set_last_step(conn, user_id, step).await?;
    Ok(true)
}

/// Whether one of the two, a code of the app or a recovery code, is good.
async fn passes(
    app: &AppState,
    user_id: Uuid,
    code: Option<&str>,
    recovery_code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut tx = app.pool.begin().await?;
    let Some(factor) = second_factor::lock(&mut tx, user_id).await? else {
        return Ok(false);
    };
    let good = match (code, recovery_code) {
        (Some(code), _) => check_code(app, &mut tx, user_id, &factor, code, now).await?,
        (None, Some(code)) => {
            let used = second_factor::use_recovery_code(&mut tx, user_id, &recovery_hash(code)).await?;
            if used {
                let alert = Alert::new(Kind::RecoveryCodeUsed, Some(user_id));
                outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
            }
            used
        }
        (None, None) => false,
    };
    if good {
        tx.commit().await?;
        app.relay.wake();
    }
    Ok(good)
}

/// Lets a user pass who has no second factor, or a good code of it. A wrong one is told to the owner: somebody has the
/// password.
pub async fn check(
    app: &AppState,
    user: &User,
    code: Option<&str>,
    recovery_code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    if user.totp_confirmed_at.is_none() {
        return Ok(());
    }
    if code.is_none() && recovery_code.is_none() {
        return Err(required());
    }
    if passes(app, user.id, code, recovery_code, now).await? {
        return Ok(());
    }
    let alert = Alert::new(Kind::SecondFactorFailed, Some(user.id));
    let event = security_alert(&alert, now)?;
    outbox::enqueue(&mut *app.pool.acquire().await?, &event).await?;
    app.relay.wake();
    Err(invalid())
}

fn required() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "second_factor_required",
        "The password is right; a code of the second factor is needed too",
    )
}

pub fn invalid() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "second_factor_invalid",
        "This code is wrong, too old, or was used before",
    )
}
