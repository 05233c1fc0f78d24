#![allow(clippy::unwrap_used, reason = "a test that can't be set up has to end")]
//! The user service in this process.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request};

/// Nobody listens at the sidecar's ports: no route of this service calls it.
pub fn app(pool: PgPool) -> Router {
    let sidecar = Sidecar::new(1, 1, "api".into(), "from-the-sidecar".into()).unwrap();
    let identity = Issuer::new().identity(user::APP_ID);
    server::bounded(user::app(user::AppState {
        pool,
        sidecar,
        identity,
    }))
}

pub async fn get_as(router: &Router, user_id: uuid::Uuid) -> Answer {
    let request: Request<Body> = request(
        "GET",
        "/users/me",
        &Issuer::new().user_token(user_id),
        &Value::Null,
    );
    call(router, request).await
}
