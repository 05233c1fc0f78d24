use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use identity::User;
use problem::{Problem, Result};
use uuid::Uuid;

use crate::AppState;
use crate::events::Reason;
use crate::sessions;

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "sessions", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])), responses((status = 204), (status = 404, description = "`unknown_session`")))]
pub async fn end_own_session(
    State(app): State<AppState>,
    caller: User,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = app.pool.begin().await?;
    let ended = sessions::end(
        &mut tx,
        caller.id,
        (Some(id), None),
        Reason::EndedByUser,
        Utc::now(),
    )
    .await?;
    tx.commit().await?;
    if ended.ids().is_empty() {
        return Err(unknown_session());
    }
    Ok((StatusCode::NO_CONTENT, ended.after_commit(&app)))
}

pub fn unknown_session() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_session",
        "There is no such session",
    )
}
