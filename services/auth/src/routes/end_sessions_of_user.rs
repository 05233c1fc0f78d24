use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use identity::Admin;
use problem::Result;
use uuid::Uuid;

use crate::AppState;
use crate::events::Reason;
use crate::sessions;

/// Ends all sessions of a user.
#[utoipa::path(delete, path = "/admin/users/{id}/sessions", tag = "admin", params(("id" = Uuid, Path)),
    security(("bearer" = ["admin"])), responses((status = 204)))]
pub async fn end_sessions_of_user(
    State(app): State<AppState>,
    admin: Admin,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = app.pool.begin().await?;
    let ended = sessions::end(&mut tx, id, (None, None), Reason::Admin, Utc::now()).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.0.id, user_id = %id, "an administrator ended a user's sessions");
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
