use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use identity::Service;
use problem::Result;

use super::end_own_session::unknown_session;
use super::{SessionAccess, SessionRef, Sessions, session_ended};
use crate::AppState;
use crate::refresh::{self, Outcome};
use crate::sessions::remembered;
use crate::store::sessions;

/// An access token for a browser's session that goes on: from the cache while it is young, otherwise a new one.
#[utoipa::path(post, path = "/sessions/renew", tag = "internal", request_body = SessionRef,
    security(("service" = ["gateway", "auth:sessions"])),
    responses((status = 200, body = SessionAccess), (status = 401, description = "`session_ended`"),
        (status = 404, description = "`unknown_session`")))]
pub async fn renew_session(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<SessionRef>,
) -> Result<Response> {
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    let session = sessions::lock_by_ref(&mut tx, &request.session_ref)
        .await?
        .ok_or_else(unknown_session)?;
    if refresh::is_over(&app, &session, now) {
        return Err(session_ended());
    }
    if let Some(access) = remembered(&app, session.id, now).await {
        return Ok(Json(SessionAccess::of(&session, access, None)).into_response());
    }
    let sealed = session.refresh_token.as_deref().unwrap_or_default();
    let token = app
        .sealing
        .open(session.id.as_bytes(), sealed)
        .and_then(|token| String::from_utf8(token).ok())
        .ok_or_else(session_ended)?;
    match refresh::refresh(&app, tx, &session, &token, now).await? {
        Outcome::Next(access, _kept_here) => {
            Ok(Json(SessionAccess::of(&session, access, None)).into_response())
        }
        Outcome::Stolen(headers) => Ok((headers, session_ended()).into_response()),
    }
}
