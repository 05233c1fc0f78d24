use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Sessions;
use crate::AppState;
use crate::one_time::{self, Purpose};
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The token of the mail.
    #[garde(length(max = 2048))]
    token: String,
}

/// Verifies an email address with the token that was mailed there.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailRequest,
    security(("service" = ["gateway", "auth:sessions"])), responses((status = 204),
    (status = 409, description = "`token_already_used`"), (status = 422, description = "`one_time_token_invalid`")))]
pub async fn verify_email(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<VerifyEmailRequest>,
) -> Result<StatusCode> {
    let token = one_time::read(&app, &request.token, Purpose::EmailVerification).await?;
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    token.use_up(&mut tx, now).await?;
    users::verify_email(&mut tx, token.user_id, now)
        .await
        .map_err(owned)?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody else has shown since that the address is theirs.
fn owned(error: sqlx::Error) -> Problem {
    let constraint = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint);
    if constraint == Some("users_verified_email_unique") {
        one_time::invalid()
    } else {
        error.into()
    }
}
