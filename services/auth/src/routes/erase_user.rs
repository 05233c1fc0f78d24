use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Sessions;
use crate::AppState;
use crate::events::Reason;
use crate::sessions;
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseUserRequest {
    #[garde(skip)]
    user_id: Uuid,
}

/// Forgets a user's name, address and credentials, and logs them out everywhere. A repeat changes nothing.
#[utoipa::path(post, path = "/internal/erase", tag = "internal", request_body = EraseUserRequest,
    security(("service" = ["gateway", "auth:sessions"])), responses((status = 204)))]
pub async fn erase_user(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<EraseUserRequest>,
) -> Result<(StatusCode, HeaderMap)> {
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    if users::lock_by_id(&mut tx, request.user_id).await?.is_none() {
        return Ok((StatusCode::NO_CONTENT, HeaderMap::new()));
    }
    users::erase(&mut tx, request.user_id, now).await?;
    let ended = sessions::end(
        &mut tx,
        request.user_id,
        (None, None),
        Reason::AccountDeleted,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
