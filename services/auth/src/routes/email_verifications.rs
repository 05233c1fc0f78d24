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
pub struct EmailVerificationRequest {
    #[garde(skip)]
    user_id: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct EmailVerificationResponse {
    username: String,
    email: String,
    /// Null if the address belongs to somebody else, who is told instead.
    token: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    /// The username of the verified account whose address this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_by: Option<String>,
}

/// What the mail needs that verifies a user's address.
#[utoipa::path(post, path = "/internal/email-verifications", tag = "internal", request_body = EmailVerificationRequest,
    security(("service" = ["email", "contacts:read"])),
    responses((status = 200, body = EmailVerificationResponse), (status = 404, description = "`unknown_user`")))]
pub async fn email_verifications(
    State(app): State<AppState>,
    _: Service<Contacts>,
    problem::Json(request): problem::Json<EmailVerificationRequest>,
) -> Result<Json<EmailVerificationResponse>> {
    let mut conn = app.pool.acquire().await?;
    let user = users::find_by_id(&mut conn, request.user_id)
        .await?
        .ok_or_else(unknown_user)?;
    let taken_by = users::owner_of(&mut conn, &user.email, user.id).await?;
    drop(conn);
    let purpose = Purpose::EmailVerification;
    let token = if taken_by.is_none() {
        Some(
            app.token_provider
                .one_time(user.id, purpose, purpose.ttl_s())
                .await?,
        )
    } else {
        None
    };
    Ok(Json(EmailVerificationResponse {
        username: user.username,
        email: user.email,
        expires_at: token.as_ref().map(|token| token.expires_at),
        token: token.map(|token| token.token),
        taken_by,
    }))
}
