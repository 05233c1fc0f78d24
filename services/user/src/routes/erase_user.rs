use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use identity::{Grant, Service};
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::store::{preferences, profiles};

/// The gateway, when a user deletes their account.
pub struct Eraser;

impl Grant for Eraser {
    const CALLER: &str = "gateway";
    const SCOPE: &str = "erase";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseUserRequest {
    #[garde(skip)]
    user_id: Uuid,
}

/// Deletes all that a user has told of themselves; a repeat changes nothing. A `USER_REGISTERED` that comes late makes an
/// empty profile, which says nothing of anybody.
#[utoipa::path(post, path = "/internal/erase", tag = "internal", request_body = EraseUserRequest,
    security(("service" = ["gateway", "erase"])), responses((status = 204)))]
pub async fn erase_user(
    State(app): State<AppState>,
    _: Service<Eraser>,
    problem::Json(request): problem::Json<EraseUserRequest>,
) -> Result<StatusCode> {
    let mut tx = app.pool.begin().await?;
    profiles::erase(&mut tx, request.user_id).await?;
    preferences::erase(&mut tx, request.user_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
