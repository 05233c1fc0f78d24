use alert::{Alert, Kind};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use garde::Validate;
use identity::User;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;

use super::PasswordAgain;
use crate::AppState;
use crate::confirm::confirm_password;
use crate::domain::password;
use crate::events::{Reason, security_alert};
use crate::sessions;
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    #[garde(length(max = 512))]
    current_password: String,
    /// Of the authenticator app, where the user has one.
    #[garde(length(max = 16))]
    code: Option<String>,
    /// In the place of `code`; each is good for one use.
    #[garde(length(max = 64))]
    recovery_code: Option<String>,
    /// 12 to 128 characters that are hard to guess.
    #[garde(length(chars, min = 12, max = 128))]
    new_password: String,
}

/// Changes the caller's password and ends all their other sessions.
#[utoipa::path(put, path = "/auth/password", tag = "auth", request_body = ChangePasswordRequest,
    security(("bearer" = ["user"])),
    responses((status = 204), (status = 403, description = "`wrong_password`, `second_factor_invalid`"), (status = 422, description = "`weak_password`")))]
pub async fn change_password(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<ChangePasswordRequest>,
) -> Result<(StatusCode, HeaderMap)> {
    let again = PasswordAgain {
        password: request.current_password,
        code: request.code,
        recovery_code: request.recovery_code,
    };
    let user = confirm_password(&app, caller.id, again).await?;
    password::check(
        "new_password",
        &request.new_password,
        &[&user.username, &user.email],
    )?;
    let hash = app.hashing.hash(request.new_password).await?;
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    users::set_password(&mut tx, user.id, &hash, now).await?;
    let alert = Alert::new(Kind::PasswordChanged, Some(user.id));
    outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
    let others = (None, Some(caller.session_id));
    let ended = sessions::end(&mut tx, user.id, others, Reason::PasswordChanged, now).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
