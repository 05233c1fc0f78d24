//! Calling a router as a caller would.

use std::sync::Once;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;

static LOGS: Once = Once::new();

fn log_into_tests() {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .compact()
        .with_ansi(false)
        .with_test_writer()
        .with_env_filter(filter)
        .init();
}

/// A whole answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// `null` if the body is empty or no JSON.
    pub json: Value,
}

impl Answer {
    /// The problem's stable code, or an empty text.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

/// A request with a bearer token (unless it is empty) and a JSON body (unless it is null).
#[must_use]
pub fn request(method: &str, path: &str, token: &str, body: &Value) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json");
        Body::from(body.to_string())
    };
    request.body(body).expect("a request")
}

/// Delivers events at once, as a bulk subscription of the sidecar does.
pub async fn deliver_all(router: &Router, path: &str, app_token: &str, events: &[Value]) -> Answer {
    let entry = |(index, event)| json!({ "entryId": format!("entry-{index}"), "event": event, "contentType": "application/cloudevents+json" });
    let entries: Vec<Value> = events.iter().enumerate().map(entry).collect();
    let body = json!({ "id": "delivery", "pubsubname": "pubsub", "entries": entries });
    deliver(router, path, app_token, &body).await
}

/// Delivers an event by itself, as the sidecar does, which shows `app_token`.
pub async fn deliver(router: &Router, path: &str, app_token: &str, event: &Value) -> Answer {
    let mut request = request("POST", path, "", event);
    let token = app_token.parse().expect("a header value");
    request.headers_mut().insert("dapr-api-token", token);
    call(router, request).await
}

/// Calls the router as a caller would see it and reads the whole answer. What the service logs meanwhile is the test's output,
/// which is shown if the test fails.
pub async fn call(router: &Router, request: Request<Body>) -> Answer {
    LOGS.call_once(log_into_tests);
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        json,
    }
}
