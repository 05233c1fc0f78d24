use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{SessionAccess, Sessions, session_ended};
use crate::AppState;
use crate::refresh::{self, Outcome};
use crate::store::sessions;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSessionRequest {
    #[garde(length(max = 256))]
    refresh_token: String,
}

/// The next pair of tokens for a client that holds its own. The refresh token is used up by it: one that comes back later
/// than 5 seconds after its use ends the session (RFC 9700 §4.14.2).
#[utoipa::path(post, path = "/auth/token", tag = "sessions", request_body = RefreshSessionRequest,
    security(("service" = ["gateway", "auth:sessions"])),
    responses((status = 200, body = SessionAccess), (status = 401, description = "`session_ended`")))]
pub async fn refresh_session(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<RefreshSessionRequest>,
) -> Result<Response> {
    let (session_id, token) = read(&request.refresh_token).ok_or_else(session_ended)?;
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    let session = sessions::lock(&mut tx, session_id)
        .await?
        .filter(|session| session.session_ref.is_none() && !refresh::is_over(&app, session, now))
        .ok_or_else(session_ended)?;
    match refresh::refresh(&app, tx, &session, token, now).await? {
        Outcome::Next(access, next) => {
            let next = Some(write(session_id, &next));
            Ok(Json(SessionAccess::of(&session, access, next)).into_response())
        }
        Outcome::Stolen(headers) => Ok((headers, session_ended()).into_response()),
    }
}

/// A client's refresh token: the session's id, a dot, and Token Provider's token.
pub fn write(session_id: Uuid, token: &str) -> String {
    format!("{session_id}.{token}")
}

fn read(refresh_token: &str) -> Option<(Uuid, &str)> {
    let (session_id, token) = refresh_token.split_once('.')?;
    Some((session_id.parse().ok()?, token))
}
