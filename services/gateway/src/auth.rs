//! Auth, as far as the gateway calls it.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sidecar::Sidecar;
use uuid::Uuid;

use crate::domain::session::{Entry, SessionCookie};
use crate::forward::{Answer, unreachable};

const APP_ID: &str = "auth";
const SCOPE: &str = "auth:sessions";

#[derive(Clone)]
pub struct Auth {
    sidecar: Sidecar,
    identity: Identity,
}

/// An access token of a session.
#[derive(Deserialize)]
pub struct SessionAccess {
    user_id: Uuid,
    session_id: Uuid,
    access_token: String,
    access_expires_at: DateTime<Utc>,
    session_expires_at: DateTime<Utc>,
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

impl Auth {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Posts a request that Auth answers to the client; its answer may be a problem to pass on.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        let bearer = self.identity.bearer(APP_ID, SCOPE).await?;
        let request = self
            .sidecar
            .request(Method::POST, APP_ID, path)
            .bearer_auth(bearer)
            .json(body);
        Answer::read(request.send().await.map_err(unreachable)?).await
    }

    /// An access token for the session of this cookie; 401 `not_logged_in` if there is no such session.
    pub async fn renew(&self, cookie: &SessionCookie, now: DateTime<Utc>) -> Result<Entry> {
        let answer = self
            .post("/sessions/renew", &json!({ "session_ref": cookie.session_ref() }))
            .await?;
        // By code: no other refusal may end the sessions of people who are logged in.
        match (answer.status, answer.code().as_str()) {
            (StatusCode::OK, _) => Ok(answer.json::<SessionAccess>()?.into_entry(now)),
            (_, "session_ended" | "unknown_session") => Err(not_logged_in()),
            (status, code) => {
                tracing::warn!(%status, code, "a session could not be renewed");
                Err(crate::forward::service_unavailable())
            }
        }
    }

    pub async fn end(&self, cookie: &SessionCookie) -> Result<()> {
        let answer = self
            .post("/sessions/end", &json!({ "session_ref": cookie.session_ref() }))
            .await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(crate::forward::service_unavailable())
        }
    }
}

pub fn not_logged_in() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_logged_in",
        "There is no session; log in first",
    )
}
