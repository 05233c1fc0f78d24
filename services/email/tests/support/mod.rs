#![allow(clippy::unwrap_used, reason = "a test that can't be set up has to end")]
//! The email service in this process, with a database of its own, and in the place of its sidecar an Auth that knows two
//! users. Nobody takes the mails: that a mail arrives is for the black-box tests, with a real SMTP server.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use email::{APP_ID, AppState};
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::Issuer;
use uuid::Uuid;

pub const ALICE: Uuid = Uuid::from_u128(1);
pub const BOB: Uuid = Uuid::from_u128(2);

/// The service, beside an Auth that answers or, without one, beside a closed port.
pub async fn app(pool: PgPool, auth_is_up: bool) -> Router {
    let port = if auth_is_up { start_auth().await } else { 1 };
    let sidecar = Sidecar::new(port, 1, "api".into(), "from-the-sidecar".into()).unwrap();
    let identity = Issuer::new().identity(APP_ID);
    let app = AppState::new(pool, sidecar, identity, "http://pay.example".into()).unwrap();
    server::bounded(email::app(app))
}

async fn start_auth() -> u16 {
    let router = Router::new()
        .route("/internal/contacts", post(contacts))
        .route("/internal/email-verifications", post(verification));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn known(id: &Value) -> bool {
    *id == json!(ALICE) || *id == json!(BOB)
}

async fn contacts(Json(body): Json<Value>) -> Json<Value> {
    let ids = body["user_ids"].as_array().unwrap().iter().filter(|id| known(id));
    let items: Vec<_> = ids
        .map(|id| json!({ "user_id": id, "username": "u", "email": "u@example.com" }))
        .collect();
    Json(json!({ "items": items }))
}

async fn verification(Json(body): Json<Value>) -> Response {
    if known(&body["user_id"]) {
        Json(json!({ "username": "u", "email": "u@example.com", "token": "t" })).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

pub fn event(kind: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": kind, "source": "test", "subject": "test",
        "time": "2026-01-01T00:00:00Z", "data": data,
    })
}

pub fn made(from: Option<Uuid>, to: Uuid) -> Value {
    let data = json!({
        "transaction_id": Uuid::now_v7(), "kind": "transfer", "from_account_id": null, "to_account_id": Uuid::now_v7(),
        "from_user_id": from, "to_user_id": to, "amount": { "amount_minor": 1250, "currency": "EUR" },
        "completed_at": "2026-01-01T00:00:00Z",
    });
    event("payme.transaction.made.v1", &data)
}
