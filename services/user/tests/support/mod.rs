//! The user service in this process.

use axum::Router;
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request};
use uuid::Uuid;

/// Nobody listens at the sidecar's ports: no route of this service calls it.
pub fn app(pool: PgPool) -> Router {
    server::bounded(user::app(state(pool)))
}

pub fn state(pool: PgPool) -> user::AppState {
    let sidecar = Sidecar::new(1, 1, "api".into(), "from-the-sidecar".into()).unwrap();
    let identity = Issuer::new().identity(user::APP_ID);
    user::AppState {
        pool,
        sidecar,
        identity,
    }
}

/// The profile of a user, as they see it.
pub async fn get_as(router: &Router, user_id: Uuid) -> Answer {
    call_as(router, user_id, "GET", "/users/me", Value::Null).await
}

pub async fn patch_as(router: &Router, user_id: Uuid, path: &str, body: Value) -> Answer {
    call_as(router, user_id, "PATCH", path, body).await
}

pub async fn call_as(router: &Router, user_id: Uuid, method: &str, path: &str, body: Value) -> Answer {
    let token = Issuer::new().user_token(user_id);
    call(router, request(method, path, &token, &body)).await
}

/// Calls an internal route as a service.
pub async fn call_as_service(router: &Router, caller: &str, scope: &str, path: &str, body: &Value) -> Answer {
    let token = Issuer::new().service_token(caller, user::APP_ID, scope);
    call(router, request("POST", path, &token, body)).await
}

/// `USER_REGISTERED`, as the sidecar delivers it.
pub fn user_registered(user_id: Uuid) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.user.registered.v1", "source": "auth",
        "subject": user_id, "time": "2026-01-01T00:00:00Z", "data": { "user_id": user_id },
    })
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
