use alert::{Alert, Kind};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use identity::User;
use problem::Result;

use super::PasswordAgain;
use crate::AppState;
use crate::confirm::confirm_password;
use crate::events::security_alert;
use crate::store::second_factor;

/// Takes the second factor off. Whoever has none is done already.
#[utoipa::path(post, path = "/auth/totp/disable", tag = "second factor", request_body = PasswordAgain,
    security(("bearer" = ["user"])), responses((status = 204), (status = 403, description = "`wrong_password`, `second_factor_invalid`")))]
pub async fn disable_totp(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<PasswordAgain>,
) -> Result<StatusCode> {
    let user = confirm_password(&app, caller.id, request).await?;
    let mut tx = app.pool.begin().await?;
    second_factor::set(&mut tx, user.id, None).await?;
    second_factor::replace_recovery_codes(&mut tx, user.id, &[]).await?;
    if user.totp_confirmed_at.is_some() {
        let alert = Alert::new(Kind::SecondFactorChanged, Some(user.id));
        outbox::enqueue(&mut tx, &security_alert(&alert, Utc::now())?).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(StatusCode::NO_CONTENT)
}
