use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::access::{self, Refused};

#[derive(Serialize, ToSchema)]
pub struct SessionResponse {
    user_id: Uuid,
    session_expires_at: DateTime<Utc>,
}

/// Who is logged in, and until when.
#[utoipa::path(get, path = "/auth/session", tag = "auth", security(("session" = [])), responses((status = 200, body = SessionResponse),
    (status = 401, description = "`not_logged_in`")))]
pub async fn session(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<SessionResponse>, Refused> {
    let session = access::session(&app, &headers).await?;
    Ok(Json(SessionResponse {
        user_id: session.user_id,
        session_expires_at: session.session_expires_at,
    }))
}
