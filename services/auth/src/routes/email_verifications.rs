use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Contacts;
use super::verify_email::PURPOSE;
use crate::AppState;
use crate::store::users;

const TTL_S: i64 = 24 * 3600;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailVerificationRequest {
    #[garde(skip)]
    user_id: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct EmailVerificationResponse {
    username: String,
    email: String,
    token: String,
    expires_at: DateTime<Utc>,
}

/// What the mail needs that verifies a user's address.
#[utoipa::path(post, path = "/internal/email-verifications", tag = "internal", request_body = EmailVerificationRequest,
    responses((status = 200, body = EmailVerificationResponse), (status = 404, description = "`unknown_user`")))]
pub async fn email_verifications(
    State(app): State<AppState>,
    _: Service<Contacts>,
    problem::Json(request): problem::Json<EmailVerificationRequest>,
) -> Result<Json<EmailVerificationResponse>> {
    let mut found = users::contacts(&mut *app.pool.acquire().await?, &[request.user_id]).await?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "unknown_user", "There is no such user");
    let contact = found.pop().ok_or_else(unknown)?;
    let token = app
        .token_provider
        .one_time(contact.user_id, PURPOSE, TTL_S)
        .await?;
    Ok(Json(EmailVerificationResponse {
        username: contact.username,
        email: contact.email,
        token: token.token,
        expires_at: token.expires_at,
    }))
}
