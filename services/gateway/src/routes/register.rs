use axum::extract::State;
use axum::http::HeaderMap;
use garde::Validate;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::forward::Answer;
use crate::{AppState, csrf};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 3 to 32 letters, digits, `_`, `.` and `-`; case does not count.
    #[garde(skip)]
    username: String,
    #[garde(skip)]
    email: String,
    /// 12 to 128 characters.
    #[garde(skip)]
    password: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "Auth writes it; this is its description")]
pub struct RegisterResponse {
    user_id: Uuid,
}

/// Registers a new user, who gets a mail that verifies the address.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterRequest, responses(
    (status = 201, body = RegisterResponse), (status = 409, description = "`username_taken`, `email_taken`"),
    (status = 422, description = "`invalid_request`")))]
pub async fn register(
    State(app): State<AppState>,
    headers: HeaderMap,
    problem::Json(request): problem::Json<RegisterRequest>,
) -> Result<Answer> {
    csrf::check_without_cookie(&headers, &app.config.public_origin)?;
    app.auth.post("/register", &request).await
}
