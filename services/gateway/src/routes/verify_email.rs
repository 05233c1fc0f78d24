use axum::extract::State;
use axum::http::HeaderMap;
use garde::Validate;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::forward::Answer;
use crate::{AppState, csrf};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The token of the mail.
    #[garde(skip)]
    token: String,
}

/// Verifies an email address with the token that was mailed there.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmailRequest, responses(
    (status = 204), (status = 409, description = "`token_already_used`"),
    (status = 422, description = "`one_time_token_invalid`")))]
pub async fn verify_email(
    State(app): State<AppState>,
    headers: HeaderMap,
    problem::Json(request): problem::Json<VerifyEmailRequest>,
) -> Result<Answer> {
    csrf::check_without_cookie(&headers, &app.config.public_origin)?;
    app.auth.post("/verify-email", &request).await
}
