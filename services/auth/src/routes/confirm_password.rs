use axum::extract::State;
use axum::http::StatusCode;
use identity::User;
use problem::Result;

use super::PasswordAgain;
use crate::AppState;

/// Whether this is the caller's password, and second factor where there is one: before what a stolen session must not do.
#[utoipa::path(post, path = "/auth/confirm-password", tag = "auth", request_body = PasswordAgain,
    security(("bearer" = ["user"])), responses((status = 204), (status = 403, description = "`wrong_password`, `second_factor_invalid`")))]
pub async fn confirm_password(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<PasswordAgain>,
) -> Result<StatusCode> {
    crate::confirm::confirm_password(&app, caller.id, request).await?;
    Ok(StatusCode::NO_CONTENT)
}
