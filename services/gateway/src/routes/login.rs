use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use garde::Validate;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::LoggedIn;
use crate::domain::session::SessionCookie;
use crate::provisioning::{Provisioned, provision};
use crate::{AppState, csrf};

/// Either `username` or `email`.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[garde(skip)]
    password: String,
}

#[derive(Serialize)]
struct LoginAtAuth<'a> {
    #[serde(flatten)]
    request: &'a LoginRequest,
    session_ref: String,
}

#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    user_id: Uuid,
    first_login: bool,
    /// At the first login only: which services have made what they keep for the user. The others do at first use.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned: Option<Provisioned>,
}

/// Begins a session. The answer sets the session cookie; no token ever reaches the browser.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, body = LoginResponse), (status = 401, description = "`invalid_credentials`"),
    (status = 403, description = "`account_disabled`, `account_expired`, `account_locked`")))]
pub async fn login(
    State(app): State<AppState>,
    headers: HeaderMap,
    problem::Json(request): problem::Json<LoginRequest>,
) -> Result<Response> {
    csrf::check_without_cookie(&headers, &app.config.public_origin)?;
    let cookie = SessionCookie::new(rand::random());
    let at_auth = LoginAtAuth {
        request: &request,
        session_ref: cookie.session_ref(),
    };
    let answer = app.auth.post("/login", &at_auth).await?;
    if !answer.status.is_success() {
        return Ok(answer.into_response());
    }
    let LoggedIn { first_login, access } = answer.json()?;
    let now = Utc::now();
    let entry = access.into_entry(now);
    app.cache.put(&cookie, &entry, now).await?;
    let provisioned = if first_login {
        Some(provision(&app, entry.user_id).await)
    } else {
        None
    };
    let max_age_s = (entry.session_expires_at - now).num_seconds();
    let body = Json(LoginResponse {
        user_id: entry.user_id,
        first_login,
        provisioned,
    });
    Ok(([(SET_COOKIE, cookie.to_set_cookie(max_age_s))], body).into_response())
}
