use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use identity::Service;
use problem::{Problem, Result};

use super::{SessionAccess, SessionRef, Sessions, session_ended};
use crate::AppState;
use crate::domain::standing::{Status, standing};
use crate::sessions::{Access, remember, remembered};
use crate::store::sessions::Session;
use crate::store::{sessions, users};

/// An access token for a session that goes on: from the cache while it is young, otherwise a new one.
#[utoipa::path(post, path = "/sessions/renew", tag = "sessions", request_body = SessionRef,
    responses((status = 200, body = SessionAccess), (status = 401, description = "`session_ended`"),
        (status = 404, description = "`unknown_session`")))]
pub async fn renew_session(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<SessionRef>,
) -> Result<Json<SessionAccess>> {
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    let session = sessions::lock(&mut tx, &request.session_ref)
        .await?
        .ok_or_else(unknown_session)?;
    if session.is_over(now) {
        return Err(session_ended());
    }
    let access = match remembered(&app, session.id, now).await {
        Some(access) => access,
        None => renew(&app, &mut tx, &session, now).await?,
    };
    tx.commit().await?;
    Ok(Json(SessionAccess {
        user_id: session.user_id,
        session_id: session.id,
        access_token: access.access_token,
        access_expires_at: access.access_expires_at,
        session_expires_at: session.expires_at,
    }))
}

/// A new pair from Token Provider, with the roles and the status that the user has today.
async fn renew(
    app: &AppState,
    conn: &mut sqlx::PgConnection,
    session: &Session,
    now: DateTime<Utc>,
) -> Result<Access> {
    let user = users::find_by_id(conn, session.user_id)
        .await?
        .ok_or_else(session_ended)?;
    // A lock keeps strangers out who guess passwords; who is inside already may stay.
    let status = Status {
        locked_until: None,
        ..user.status()
    };
    standing(&status, now).map_err(|_| session_ended())?;
    let tokens = app
        .token_provider
        .refresh(&session.refresh_token, &user.roles)
        .await?
        .ok_or_else(session_ended)?;
    sessions::set_refresh_token(conn, session.id, &tokens.refresh_token).await?;
    let access = Access {
        access_token: tokens.access_token,
        issued_at: now,
        access_expires_at: tokens.access_expires_at,
    };
    remember(app, session.id, &access).await?;
    Ok(access)
}

fn unknown_session() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_session",
        "There is no such session",
    )
}
