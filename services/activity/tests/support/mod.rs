#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and a test that can't be set up has to end"
)]
//! The activity service in this process, or what stands in its place.

pub mod ledger;
mod replacement;

use activity::live::Live;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::map_response;
use serde_json::Value;
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request};

/// The program in the service's place, if `PAYME_REPLACEMENTS` has one: the tests are of routes, whoever answers them.
pub fn app(pool: PgPool) -> Router {
    match replacement::program() {
        Some(program) => replacement::app(program, pool),
        None => app_with(pool, Live::default()),
    }
}

/// As [`app`], for whoever reads each answer to its end, which those of streams do not have.
pub fn app_without_streams(pool: PgPool) -> Router {
    if let Some(program) = replacement::program() {
        return replacement::app(program, pool).layer(map_response(replacement::cut_stream));
    }
    let live = Live::default();
    live.close();
    app_with(pool, live)
}

/// The service in this process. Nobody listens at the sidecar's ports: no route calls it, only the auditor does.
pub fn app_with(pool: PgPool, live: Live) -> Router {
    let sidecar = Sidecar::new(1, 1, "api".into(), "from-the-sidecar".into()).unwrap();
    let identity = Issuer::new().identity(activity::APP_ID);
    server::bounded(activity::app(activity::AppState {
        pool,
        sidecar,
        identity,
        live,
    }))
}

pub async fn get_as(router: &Router, path: &str, user_id: uuid::Uuid) -> Answer {
    let request: Request<Body> = request("GET", path, &Issuer::new().user_token(user_id), &Value::Null);
    call(router, request).await
}

/// Asks as an operator how the audit stands.
pub async fn audit(router: &Router) -> Value {
    let answer = get_as_operator(router, "/admin/audit").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

pub async fn get_as_operator(router: &Router, path: &str) -> Answer {
    as_operator(router, "GET", path).await
}

pub async fn as_operator(router: &Router, method: &str, path: &str) -> Answer {
    let token = Issuer::new().token_with_roles(uuid::Uuid::now_v7(), &["user", "operator"]);
    call(router, request(method, path, &token, &Value::Null)).await
}

/// Every event of a topic that was ever published, as tests/contracts/events keeps them.
pub fn earlier_events(topic: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contracts/events");
    let files = std::fs::read_dir(format!("{folder}/{topic}")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let events: Vec<Value> = texts.map(|text| serde_json::from_str(&text).unwrap()).collect();
    assert!(!events.is_empty());
    events
}

/// Delivers an event that is understood.
pub async fn deliver_earlier(router: &Router, path: &str, event: &Value) {
    let answer = testkit::deliver(router, path, "from-the-sidecar", event).await;
    assert_eq!(answer.json["status"], "SUCCESS", "{event}: {answer:?}");
}
