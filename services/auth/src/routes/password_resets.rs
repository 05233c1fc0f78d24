use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Contacts, unknown_user};
use crate::AppState;
use crate::one_time::Purpose;
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetMailRequest {
    #[garde(skip)]
    user_id: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct PasswordResetMail {
    username: String,
    email: String,
    token: String,
    expires_at: DateTime<Utc>,
}

/// What the mail needs that sets a new password.
#[utoipa::path(post, path = "/internal/password-resets", tag = "internal", request_body = PasswordResetMailRequest,
    security(("service" = ["email", "contacts:read"])),
    responses((status = 200, body = PasswordResetMail), (status = 404, description = "`unknown_user`")))]
pub async fn password_resets(
    State(app): State<AppState>,
    _: Service<Contacts>,
    problem::Json(request): problem::Json<PasswordResetMailRequest>,
) -> Result<Json<PasswordResetMail>> {
    let user = users::find_by_id(&mut *app.pool.acquire().await?, request.user_id)
        .await?
        .filter(|user| user.email_verified_at.is_some())
        .ok_or_else(unknown_user)?;
    let token = app
        .token_provider
        .one_time(user.id, Purpose::PasswordReset, Purpose::PasswordReset.ttl_s())
        .await?;
    Ok(Json(PasswordResetMail {
        username: user.username,
        email: user.email,
        token: token.token,
        expires_at: token.expires_at,
    }))
}
