use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use identity::Service;
use problem::Result;

use super::{SessionRef, Sessions};
use crate::AppState;
use crate::events::Reason;
use crate::{sessions, store};

/// Ends a browser's session. One that is unknown or over is no error: whoever logs out twice is logged out.
#[utoipa::path(post, path = "/sessions/end", tag = "internal", request_body = SessionRef,
    security(("service" = ["gateway", "auth:sessions"])), responses((status = 204)))]
pub async fn end_session(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<SessionRef>,
) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = app.pool.begin().await?;
    let Some(session) = store::sessions::lock_by_ref(&mut tx, &request.session_ref).await? else {
        return Ok((StatusCode::NO_CONTENT, HeaderMap::new()));
    };
    let only = (Some(session.id), None);
    let ended = sessions::end(&mut tx, session.user_id, only, Reason::Logout, Utc::now()).await?;
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
