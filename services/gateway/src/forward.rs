//! What is passed on: an explicit list of routes, with an explicit list of headers. Everything else stays outside.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use problem::{PROBLEM_JSON, Problem, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::access::{self, Refused};
use crate::{AppState, csrf};

/// One forwarded route; the service has it at the same path.
pub struct Forwarded {
    pub method: MethodFilter,
    pub path: &'static str,
    pub service: &'static str,
}

const fn forwarded(method: MethodFilter, path: &'static str, service: &'static str) -> Forwarded {
    Forwarded {
        method,
        path,
        service,
    }
}

impl Forwarded {
    /// As OpenAPI writes it.
    pub fn method_name(&self) -> &'static str {
        match self.method {
            MethodFilter::GET => "get",
            MethodFilter::PATCH => "patch",
            MethodFilter::POST => "post",
            MethodFilter::PUT => "put",
            _ => "delete",
        }
    }
}

pub const FORWARDED: [Forwarded; 10] = [
    forwarded(MethodFilter::GET, "/users/me", "user"),
    forwarded(MethodFilter::PATCH, "/users/me", "user"),
    forwarded(MethodFilter::GET, "/accounts", "account"),
    forwarded(MethodFilter::GET, "/accounts/{id}", "account"),
    forwarded(MethodFilter::GET, "/accounts/{id}/entries", "account"),
    forwarded(MethodFilter::GET, "/transactions", "transaction"),
    forwarded(MethodFilter::POST, "/transactions", "transaction"),
    forwarded(MethodFilter::GET, "/transactions/{id}", "transaction"),
    forwarded(MethodFilter::POST, "/top-ups", "transaction"),
    forwarded(MethodFilter::GET, "/activity", "activity"),
];

const REQUEST_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, HeaderName::from_static("idempotency-key")];
const RESPONSE_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, RETRY_AFTER];

pub fn routes() -> Router<AppState> {
    FORWARDED.iter().fold(Router::new(), |router, route| {
        let service = route.service;
        let handler = async move |State(app): State<AppState>, params: RawPathParams, request: Request| {
            forward(&app, service, &params, request).await
        };
        router.route(route.path, on(route.method, handler))
    })
}

async fn forward(
    app: &AppState,
    service: &'static str,
    params: &RawPathParams,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    // Every parameter of a forwarded path is an id, so that nothing else gets into the path of an inner request.
    if params.iter().any(|(_, value)| value.parse::<Uuid>().is_err()) {
        return Err(invalid_path().into());
    }
    // Read in any case: an unread body ends the connection.
    let body = to_bytes(body, server::BODY_LIMIT_BYTES)
        .await
        .map_err(|_| too_large())?;
    let session = access::session(app, &parts.headers).await?;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        csrf::check(&parts.headers, &app.config.public_origin)?;
    }
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.path(), |path| path.as_str());
    let request = app.sidecar.request(parts.method, service, path);
    let request = request
        .headers(only(&parts.headers, &REQUEST_HEADERS))
        .bearer_auth(session.access_token)
        .body(body);
    let answer = Answer::read(request.send().await.map_err(unreachable)?).await?;
    Ok(answer.into_response())
}

/// A service's answer: what it said itself, never what a sidecar said in its place.
pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Result<Self> {
        let status = response.status();
        let headers = only(response.headers(), &RESPONSE_HEADERS);
        let body = response.bytes().await.map_err(unreachable)?.to_vec();
        // Our services refuse with problems only; another error is the sidecar's, about a service that it can't reach.
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
        };
        // The token is ours, not the client's: it can do nothing about it, and its session is as good as before.
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
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let found = |name: &HeaderName| {
        headers
            .get(name)
            .map(|value: &HeaderValue| (name.clone(), value.clone()))
    };
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

fn upstream_timeout() -> Problem {
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

fn invalid_path() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_path",
        "A part of the path has the wrong form",
    )
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is too large",
    )
}
