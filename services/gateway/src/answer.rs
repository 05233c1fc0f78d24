//! Calling a service, and what it answered: what it said itself, never what a sidecar said in its place.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use problem::{PROBLEM_JSON, Problem, Result};
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::AppState;

const RESPONSE_HEADERS: [HeaderName; 4] = [CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, RETRY_AFTER];
/// Auth names the sessions that its answer has ended, so that their tokens are of no use from then on.
const ENDED_SESSIONS: &str = "payme-ended-sessions";

pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    pub ended: Vec<Uuid>,
}

/// Sends a request to a service. Sessions that were ended by it are over for all replicas when this returns.
pub async fn call(app: &AppState, request: RequestBuilder) -> Result<Answer> {
    let answer = Answer::read(request.send().await.map_err(unreachable)?).await?;
    for session_id in &answer.ended {
        if app.cache.end(*session_id).await.is_err() {
            // It is over in Auth, which is what was asked for. SESSION_REVOKED comes until the store has taken it.
            tracing::warn!("a session that has ended could not be taken out of the cache yet");
        }
    }
    Ok(answer)
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Result<Self> {
        let status = response.status();
        let headers = only(response.headers(), &RESPONSE_HEADERS);
        let ended = ended_sessions(response.headers());
        let length = response.headers().get(server::LENGTH).cloned();
        let body = response.bytes().await.map_err(unreachable)?;
        // Without the length no service has said this: it is a sidecar's error about one that it can't reach, or the empty 200 that a
        // sidecar makes of an answer whose service died before it began.
        let Some(length) = length else {
            return Err(not_answered(status, &body));
        };
        if length != HeaderValue::from(body.len()) {
            tracing::warn!("an answer was cut off on its way");
            return Err(service_unavailable());
        }
        // Our services refuse with problems only.
        let is_problem = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value == PROBLEM_JSON);
        if !status.is_success() && !is_problem {
            return Err(not_answered(status, &body));
        }
        let answer = Self {
            status,
            headers,
            body,
            ended,
        };
        // The token is ours, or one that we have verified: the client can do nothing about it, and its session is as good
        // as before.
        if matches!(answer.code().as_str(), "missing_token" | "invalid_token") {
            tracing::error!("a service refused the gateway's token");
            return Err(service_unavailable());
        }
        Ok(answer)
    }

    /// The problem's code; empty if the answer is none.
    pub fn code(&self) -> String {
        #[derive(Deserialize)]
        struct Coded {
            code: String,
        }
        if self.status.is_success() {
            return String::new();
        }
        serde_json::from_slice::<Coded>(&self.body).map_or_else(|_| String::new(), |problem| problem.code)
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// For a call whose refusals are no business of the client's.
    pub fn done(&self) -> Result<()> {
        if self.status.is_success() {
            return Ok(());
        }
        tracing::warn!(status = %self.status, code = self.code(), "a service refused what it should not");
        Err(service_unavailable())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn ended_sessions(headers: &HeaderMap) -> Vec<Uuid> {
    let value = headers
        .get(ENDED_SESSIONS)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split(',').filter_map(|id| id.parse().ok()).collect()
}

/// Those of the headers that are listed.
pub fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let found = |name: &HeaderName| headers.get(name).map(|value| (name.clone(), value.clone()));
    names.iter().filter_map(found).collect()
}

pub fn unreachable(error: reqwest::Error) -> Problem {
    tracing::warn!(%error, "a call to a service failed");
    if error.is_timeout() {
        upstream_timeout()
    } else {
        service_unavailable()
    }
}

/// What daprd's own errors mean. It has one code and status for all of them, so that its text has to tell.
fn not_answered(status: StatusCode, body: &[u8]) -> Problem {
    tracing::warn!(%status, "a service could not be reached");
    if String::from_utf8_lossy(body).contains("deadline exceeded") {
        upstream_timeout()
    } else {
        service_unavailable()
    }
}

pub fn upstream_timeout() -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "upstream_timeout",
        "A service took too long to answer",
    )
}

pub fn service_unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "service_unavailable",
        "A service can't be reached right now",
    )
    .retry_after_s(1)
}
