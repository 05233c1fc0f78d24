use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Sessions;
use crate::store::users;
use crate::{APP_ID, AppState};

pub const PURPOSE: &str = "email_verification";

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The token of the mail.
    #[garde(length(max = 2048))]
    token: String,
}

/// Notes that the user reads mail at the address that they gave.
#[utoipa::path(post, path = "/verify-email", tag = "users", request_body = VerifyEmailRequest, responses((status = 204),
    (status = 409, description = "`token_already_used`"), (status = 422, description = "`one_time_token_invalid`")))]
pub async fn verify_email(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<VerifyEmailRequest>,
) -> Result<StatusCode> {
    let claims = match app.identity.verify(&request.token, "ott+jwt", APP_ID).await {
        Ok(claims) if claims.purpose.as_deref() == Some(PURPOSE) => claims,
        // Only the token can be at fault with a 401; anything else is ours to tell.
        Err(problem) if problem.status() != StatusCode::UNAUTHORIZED => return Err(problem),
        _ => return Err(invalid()),
    };
    let user_id: Uuid = claims.sub.parse().map_err(|_| invalid())?;
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or_else(invalid)?;
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    if !users::use_token(&mut tx, claims.jti, expires_at, now).await? {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "token_already_used",
            "This token was used before",
        ));
    }
    users::verify_email(&mut tx, user_id, now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invalid() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "one_time_token_invalid",
        "This token is not valid, or no longer",
    )
}
