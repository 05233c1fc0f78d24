//! Auth, as far as the gateway calls it.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::AppState;
use crate::answer::{Answer, call, service_unavailable};
use crate::domain::session::{Entry, SessionCookie};

pub const AUTH: &str = "auth";
const SCOPE: &str = "auth:sessions";

/// An access token of a session, and of a client that holds its own tokens the next refresh token too.
#[derive(Deserialize)]
pub struct SessionAccess {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub session_expires_at: DateTime<Utc>,
    pub refresh_token: Option<String>,
}

#[derive(Deserialize)]
pub struct LoggedIn {
    pub first_login: bool,
    #[serde(flatten)]
    pub access: SessionAccess,
}

impl SessionAccess {
    pub fn into_entry(self, now: DateTime<Utc>) -> Entry {
        Entry {
            user_id: self.user_id,
            session_id: self.session_id,
            access_token: self.access_token,
            cached_at: now,
            access_expires_at: self.access_expires_at,
            session_expires_at: self.session_expires_at,
        }
    }
}

/// A request that the gateway makes in its own name, for somebody who has no session or whose session this is about.
pub async fn request(app: &AppState, method: Method, path: &str) -> Result<RequestBuilder> {
    let bearer = app.identity.bearer(AUTH, SCOPE).await?;
    Ok(app.sidecar.request(method, AUTH, path).bearer_auth(bearer))
}

/// Its answer may be a problem to pass on.
pub async fn post(app: &AppState, path: &str, body: &impl Serialize) -> Result<Answer> {
    call(app, request(app, Method::POST, path).await?.json(body)).await
}

/// An access token for the session of this cookie; 401 `not_logged_in` if there is no such session.
pub async fn renew(app: &AppState, cookie: &SessionCookie, now: DateTime<Utc>) -> Result<Entry> {
    let body = json!({ "session_ref": cookie.session_ref() });
    let answer = post(app, "/sessions/renew", &body).await?;
    // By code: no other refusal may end the sessions of people who are logged in.
    match (answer.status, answer.code().as_str()) {
        (StatusCode::OK, _) => Ok(answer.json::<SessionAccess>()?.into_entry(now)),
        (_, "session_ended" | "unknown_session") => Err(not_logged_in()),
        (status, code) => {
            tracing::warn!(%status, code, "a session could not be renewed");
            Err(service_unavailable())
        }
    }
}

/// Ends the session of this cookie.
pub async fn end(app: &AppState, cookie: &SessionCookie) -> Result<()> {
    let body = json!({ "session_ref": cookie.session_ref() });
    post(app, "/sessions/end", &body).await?.done()
}

pub fn not_logged_in() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_logged_in",
        "There is no session; log in first",
    )
}
