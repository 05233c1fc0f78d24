use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use identity::User;
use problem::Result;

use crate::AppState;
use crate::events::Reason;
use crate::sessions;

/// Logs the caller out everywhere, here too.
#[utoipa::path(delete, path = "/auth/sessions", tag = "sessions", security(("bearer" = ["user"])), responses((status = 204)))]
pub async fn end_all_sessions(State(app): State<AppState>, caller: User) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = app.pool.begin().await?;
    let ended = sessions::end(
        &mut tx,
        caller.id,
        (None, None),
        Reason::LogoutEverywhere,
        Utc::now(),
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}
