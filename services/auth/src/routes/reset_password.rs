use alert::{Alert, Kind};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{Duration, Utc};
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Sessions;
use crate::AppState;
use crate::domain::limits::failures_of;
use crate::domain::password;
use crate::events::{Reason, security_alert};
use crate::one_time::{self, Purpose};
use crate::sessions;
use crate::store::{attempts, users};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The token of the mail.
    #[garde(length(max = 2048))]
    token: String,
    /// 12 to 128 characters that are hard to guess.
    #[garde(length(chars, min = 12, max = 128))]
    new_password: String,
}

/// Sets a new password with the token that was mailed. It ends all sessions; a second factor stays.
#[utoipa::path(post, path = "/auth/password-resets/confirm", tag = "auth", request_body = ResetPasswordRequest,
    security(("service" = ["gateway", "auth:sessions"])),
    responses((status = 204), (status = 409, description = "`token_already_used`"),
        (status = 422, description = "`one_time_token_invalid`, `weak_password`")))]
pub async fn reset_password(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<ResetPasswordRequest>,
) -> Result<(StatusCode, HeaderMap)> {
    let token = one_time::read(&app, &request.token, Purpose::PasswordReset).await?;
    let user = users::find_by_id(&mut *app.pool.acquire().await?, token.user_id)
        .await?
        .ok_or_else(one_time::invalid)?;
    password::check(
        "new_password",
        &request.new_password,
        &[&user.username, &user.email],
    )?;
    let hash = app.hashing.hash(request.new_password).await?;
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    token.use_up(&mut tx, now).await?;
    let user = users::lock_by_id(&mut tx, user.id)
        .await?
        .ok_or_else(one_time::invalid)?;
    // `iat` has whole seconds.
    if user
        .password_changed_at
        .is_some_and(|at| at >= token.issued_at + Duration::seconds(1))
    {
        return Err(one_time::invalid());
    }
    users::set_password(&mut tx, user.id, &hash, now).await?;
    attempts::forget_failures(&mut tx, &[failures_of(&user.id.to_string(), None)]).await?;
    let alert = Alert::new(Kind::PasswordChanged, Some(user.id));
    outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
    let ended = sessions::end(&mut tx, user.id, (None, None), Reason::PasswordReset, now).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
