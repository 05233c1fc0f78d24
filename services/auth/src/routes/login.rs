use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{SessionAccess, Sessions, invalid_credentials, is_session_ref};
use crate::AppState;
use crate::domain::credentials::normal;
use crate::domain::standing::{Refusal, lock_after, standing};
use crate::events::user_logged_in;
use crate::sessions::{Access, remember};
use crate::store::sessions::Session;
use crate::store::users::User;
use crate::store::{sessions, users};

/// Either `username` or `email`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[garde(length(max = 254))]
    username: Option<String>,
    #[garde(length(max = 254))]
    email: Option<String>,
    #[garde(length(max = 512))]
    password: String,
    #[garde(custom(is_session_ref))]
    session_ref: String,
}

#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    /// Whether this user never logged in before: then the services make what they need for them.
    first_login: bool,
    #[serde(flatten)]
    access: SessionAccess,
}

/// Begins a session for whoever has the right password.
#[utoipa::path(post, path = "/login", tag = "sessions", request_body = LoginRequest, responses((status = 200, body = LoginResponse),
    (status = 401, description = "`invalid_credentials`"),
    (status = 403, description = "`account_disabled`, `account_expired`, `account_locked`")))]
pub async fn login(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<LoginRequest>,
) -> Result<Json<LoginResponse>> {
    let login = match (&request.username, &request.email) {
        (Some(login), None) | (None, Some(login)) => normal(login),
        _ => return Err(one_name()),
    };
    let now = Utc::now();
    let user = users::find(&mut *app.pool.acquire().await?, &login).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = app.hashing.verify(request.password, hash).await?;
    let user = user.ok_or_else(invalid_credentials)?;
    if !right {
        note_failure(&app, user.id, now).await?;
        return Err(invalid_credentials());
    }
    standing(&user.status(), now).map_err(|refusal| refused(&refusal, now))?;
    begin_session(&app, &user, &request.session_ref, now)
        .await
        .map(Json)
}

async fn begin_session(
    app: &AppState,
    user: &User,
    session_ref: &str,
    now: DateTime<Utc>,
) -> Result<LoginResponse> {
    let session_id = Uuid::now_v7();
    let tokens = app.token_provider.issue(user.id, session_id, &user.roles).await?;
    let session = Session {
        id: session_id,
        user_id: user.id,
        refresh_token: tokens.refresh_token,
        expires_at: now + app.config.session_ttl,
        ended_at: None,
    };
    let mut tx = app.pool.begin().await?;
    sessions::insert(&mut tx, &session, session_ref, now).await?;
    let first_login = users::logged_in(&mut tx, user.id, now).await?;
    outbox::enqueue(&mut tx, &user_logged_in(user.id, session_id, first_login, now)?).await?;
    tx.commit().await?;
    app.relay.wake();
    let access = Access {
        access_token: tokens.access_token,
        issued_at: now,
        access_expires_at: tokens.access_expires_at,
    };
    remember(app, session_id, &access).await?;
    let access = SessionAccess {
        user_id: user.id,
        session_id,
        access_token: access.access_token,
        access_expires_at: access.access_expires_at,
        session_expires_at: session.expires_at,
    };
    Ok(LoginResponse { first_login, access })
}

async fn note_failure(app: &AppState, user_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let failures = users::count_failure(&mut tx, user_id).await?;
    if let Some(until) = lock_after(failures, now) {
        users::lock(&mut tx, user_id, until).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn one_name() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
    .detail("give either a username or an email")
}

fn refused(refusal: &Refusal, now: DateTime<Utc>) -> Problem {
    match refusal {
        Refusal::Disabled => Problem::new(
            StatusCode::FORBIDDEN,
            "account_disabled",
            "This account is disabled",
        ),
        Refusal::Expired => Problem::new(
            StatusCode::FORBIDDEN,
            "account_expired",
            "This account has expired",
        ),
        Refusal::Locked { until } => {
            let seconds = u32::try_from((*until - now).num_seconds()).unwrap_or(0).max(1);
            Problem::new(
                StatusCode::FORBIDDEN,
                "account_locked",
                "Wrong passwords lock this account for a while",
            )
            .retry_after_s(seconds)
        }
    }
}
