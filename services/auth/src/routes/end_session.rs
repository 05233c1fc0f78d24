use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use identity::Service;
use problem::Result;

use super::{SessionRef, Sessions};
use crate::AppState;
use crate::sessions::forget;
use crate::store::sessions;

/// Ends a session. One that is unknown or over is no error: whoever logs out twice is logged out.
#[utoipa::path(post, path = "/sessions/end", tag = "sessions", request_body = SessionRef, responses((status = 204)))]
pub async fn end_session(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<SessionRef>,
) -> Result<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let Some(session) = sessions::lock(&mut tx, &request.session_ref).await? else {
        return Ok(StatusCode::NO_CONTENT);
    };
    sessions::end(&mut tx, session.id, Utc::now()).await?;
    tx.commit().await?;
    // The session is over with the commit; these two only leave less behind.
    forget(&app, session.id).await;
    if app.token_provider.revoke(&session.refresh_token).await.is_err() {
        tracing::warn!(session_id = %session.id, "the refresh token of an ended session could not be revoked");
    }
    Ok(StatusCode::NO_CONTENT)
}
