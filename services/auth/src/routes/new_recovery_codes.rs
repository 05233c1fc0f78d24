use alert::{Alert, Kind};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use identity::User;
use problem::{Problem, Result};

use super::PasswordAgain;
use super::confirm_totp::RecoveryCodes;
use crate::AppState;
use crate::confirm::confirm_password;
use crate::domain::second_factor::{new_recovery_codes as new_codes, recovery_hash};
use crate::events::security_alert;
use crate::store::second_factor;

/// New recovery codes in the place of the old ones.
#[utoipa::path(post, path = "/auth/recovery-codes", tag = "second factor", request_body = PasswordAgain,
    security(("bearer" = ["user"])),
    responses((status = 200, body = RecoveryCodes), (status = 403, description = "`wrong_password`, `second_factor_invalid`"),
        (status = 409, description = "`second_factor_inactive`")))]
pub async fn new_recovery_codes(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<PasswordAgain>,
) -> Result<Json<RecoveryCodes>> {
    let user = confirm_password(&app, caller.id, request).await?;
    if user.totp_confirmed_at.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "second_factor_inactive",
            "There is no second factor to recover",
        ));
    }
    let recovery_codes = new_codes();
    let hashes: Vec<_> = recovery_codes.iter().map(|code| recovery_hash(code)).collect();
    let mut tx = app.pool.begin().await?;
    second_factor::replace_recovery_codes(&mut tx, user.id, &hashes).await?;
    let alert = Alert::new(Kind::SecondFactorChanged, Some(user.id));
    outbox::enqueue(&mut tx, &security_alert(&alert, Utc::now())?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(Json(RecoveryCodes { recovery_codes }))
}
