use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use identity::User;
use problem::Result;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::store::sessions;

#[derive(Serialize, ToSchema)]
pub struct SessionList {
    items: Vec<SessionView>,
}

#[derive(Serialize, ToSchema)]
pub struct SessionView {
    id: Uuid,
    /// Whether it is the one of this request.
    current: bool,
    /// `browser`, or `native` for a client that holds its own tokens.
    client: &'static str,
    /// Coarse: `Firefox on Linux`.
    device: String,
    created_at: DateTime<Utc>,
    /// Known to a few minutes.
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// The caller's sessions, the last used first; 200 at most.
#[utoipa::path(get, path = "/auth/sessions", tag = "sessions", security(("bearer" = ["user"])),
    responses((status = 200, body = SessionList)))]
pub async fn list_sessions(State(app): State<AppState>, caller: User) -> Result<Json<SessionList>> {
    let found = sessions::of_user(&mut *app.pool.acquire().await?, caller.id, Utc::now()).await?;
    let view = |session: sessions::Session| SessionView {
        id: session.id,
        current: session.id == caller.session_id,
        client: if session.session_ref.is_some() {
            "browser"
        } else {
            "native"
        },
        device: session.device,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
    };
    Ok(Json(SessionList {
        items: found.into_iter().map(view).collect(),
    }))
}
