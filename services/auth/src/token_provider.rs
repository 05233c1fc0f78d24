//! Token Provider, as far as this service calls it.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sidecar::Sidecar;
use uuid::Uuid;

use crate::one_time::Purpose;

const APP_ID: &str = "token-provider";
const SCOPE: &str = "tokens:issue";

#[derive(Clone)]
pub struct TokenProvider {
    sidecar: Sidecar,
    identity: Identity,
}

/// A user's pair of tokens.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub refresh_token: String,
    pub refresh_expires_at: DateTime<Utc>,
}

/// What became of a refresh token.
pub enum Refreshed {
    Tokens(Tokens),
    /// It is unknown, or its family has ended.
    Ended,
    /// It was used before: somebody has a copy.
    Reused,
}

#[derive(Deserialize)]
struct Refused {
    code: String,
}

#[derive(Debug, Deserialize)]
pub struct OneTimeToken {
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

impl TokenProvider {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    pub async fn issue(&self, user_id: Uuid, session_id: Uuid, roles: &[String]) -> Result<Tokens> {
        let body = json!({ "user_id": user_id, "session_id": session_id, "roles": roles });
        read(self.post("/internal/tokens", &body).await?).await
    }

    /// The next pair for a refresh token of this session.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        session_id: Uuid,
        roles: &[String],
    ) -> Result<Refreshed> {
        let body = json!({ "refresh_token": refresh_token, "session_id": session_id, "roles": roles });
        let answer = self.post("/internal/tokens/refresh", &body).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return read(answer).await.map(Refreshed::Tokens);
        }
        // By code: a refusal of our own token must not end anybody's session.
        let problem: Refused = answer.json().await.map_err(unavailable)?;
        match problem.code.as_str() {
            "refresh_token_invalid" => Ok(Refreshed::Ended),
            "refresh_token_reused" => Ok(Refreshed::Reused),
            code => {
                tracing::warn!(code, "Token Provider refused this service");
                Err(token_unavailable())
            }
        }
    }

    /// Ends the refresh tokens of sessions.
    pub async fn revoke(&self, session_ids: &[Uuid]) -> Result<()> {
        let answer = self
            .post("/internal/tokens/revoke", &json!({ "session_ids": session_ids }))
            .await?;
        answer.error_for_status().map_err(unavailable)?;
        Ok(())
    }

    pub async fn one_time(&self, user_id: Uuid, purpose: Purpose, ttl_s: i64) -> Result<OneTimeToken> {
        let body = json!({ "user_id": user_id, "purpose": purpose.name(), "ttl_s": ttl_s });
        read(self.post("/internal/tokens/one-time", &body).await?).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<reqwest::Response> {
        let bearer = self.identity.bearer(APP_ID, SCOPE).await?;
        let request = self.sidecar.request(Method::POST, APP_ID, path);
        request
            .bearer_auth(bearer)
            .json(body)
            .send()
            .await
            .map_err(unavailable)
    }
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> Result<T> {
    answer
        .error_for_status()
        .map_err(unavailable)?
        .json()
        .await
        .map_err(unavailable)
}

fn unavailable(error: reqwest::Error) -> Problem {
    tracing::warn!(%error, "Token Provider did not answer as it should");
    token_unavailable()
}

fn token_unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "token_unavailable",
        "Tokens can't be had right now",
    )
    .retry_after_s(1)
}
