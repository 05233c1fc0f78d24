use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::access::{self, Refused};

#[derive(Serialize, ToSchema)]
pub struct SessionResponse {
    user_id: Uuid,
    session_id: Uuid,
    /// Of a browser's session. It ends earlier if it lies unused for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_expires_at: Option<DateTime<Utc>>,
}

/// Who is logged in, and until when.
#[utoipa::path(get, path = "/auth/session", tag = "auth", security(("session" = []), ("bearer" = [])),
    responses((status = 200, body = SessionResponse), (status = 401, description = "`not_logged_in`")))]
pub async fn session(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<SessionResponse>, Refused> {
    let caller = access::caller(&app, &Method::GET, &headers).await?;
    Ok(Json(SessionResponse {
        user_id: caller.user_id,
        session_id: caller.session_id,
        session_expires_at: caller.session_expires_at,
    }))
}
