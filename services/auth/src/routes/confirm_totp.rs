use alert::{Alert, Kind};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::User;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limited;
use crate::AppState;
use crate::domain::limits;
use crate::domain::second_factor::{new_recovery_codes, recovery_hash};
use crate::events::security_alert;
use crate::second_factor::{check_code, invalid};
use crate::store::second_factor;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// The six digits that the app shows.
    #[garde(length(max = 16))]
    code: String,
}

/// Shown once: only hashes are kept.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// Takes the second factor into use, with a code of the new secret, and gives recovery codes for the day the app is lost.
#[utoipa::path(post, path = "/auth/totp/confirm", tag = "second factor", request_body = TotpCode,
    security(("bearer" = ["user"])),
    responses((status = 200, body = RecoveryCodes), (status = 403, description = "`second_factor_invalid`"),
        (status = 409, description = "`second_factor_not_started`")))]
pub async fn confirm_totp(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<TotpCode>,
) -> Result<Json<RecoveryCodes>> {
    let now = Utc::now();
    limited(&app, &limits::confirm(caller.id), now).await?;
    let mut tx = app.pool.begin().await?;
    let waiting = second_factor::lock(&mut tx, caller.id)
        .await?
        .filter(|totp| totp.secret.is_some() && totp.confirmed_at.is_none())
        .ok_or_else(not_started)?;
    if !check_code(&app, &mut tx, caller.id, &waiting, &request.code, now).await? {
        return Err(invalid());
    }
    second_factor::confirm(&mut tx, caller.id, now).await?;
    let recovery_codes = new_recovery_codes();
    let hashes: Vec<_> = recovery_codes.iter().map(|code| recovery_hash(code)).collect();
    second_factor::replace_recovery_codes(&mut tx, caller.id, &hashes).await?;
    let alert = Alert::new(Kind::SecondFactorChanged, Some(caller.id));
    outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(Json(RecoveryCodes { recovery_codes }))
}

fn not_started() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "second_factor_not_started",
        "There is no new secret to confirm",
    )
}
