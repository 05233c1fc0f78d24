//! Reads that go out while the store is asked: what they may not do.

use axum::Json;
use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Gateway, forgets, problem};

const READ: &str = "GET account /accounts";

/// A gateway that has served a read of a session, so that the next one has a head start.
async fn served() -> (Gateway, String) {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
    (gateway, cookie)
}

#[tokio::test]
async fn without_the_store_there_is_no_answer() {
    let (gateway, cookie) = served().await;
    gateway.store.set_down(true);
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "session_store_unavailable")
    );
    gateway.store.set_down(false);
    assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
}

#[tokio::test]
async fn a_session_that_has_ended_elsewhere_gets_no_answer() {
    let (gateway, cookie) = served().await;
    gateway.store.entries.lock().unwrap().clear();
    gateway
        .services
        .on("POST auth /sessions/renew", |_| problem(401, "session_ended"));
    gateway
        .services
        .on(READ, |_| Json(json!({ "items": ["a secret"] })));
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(forgets(&answer));
}

#[tokio::test]
async fn a_read_goes_out_with_the_token_of_last_time_whose_answer_is_not_given_if_there_is_a_newer_one() {
    let (gateway, cookie) = served().await;
    gateway.store.entries.lock().unwrap().clear();
    gateway.services.on(READ, |seen| {
        let new = seen.headers["authorization"] == "Bearer token-of-renewal";
        Json(json!({ "new": new }))
    });
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(
        (answer.status, &answer.json),
        (StatusCode::OK, &json!({ "new": true }))
    );
    assert_eq!(
        gateway.tokens(READ),
        [
            "Bearer token-of-login",
            "Bearer token-of-login",
            "Bearer token-of-renewal"
        ]
    );
}

#[tokio::test]
async fn what_changes_something_never_goes_out_before_the_store_has_answered() {
    let (gateway, cookie) = served().await;
    gateway.store.set_down(true);
    let answer = gateway.post(&cookie, "/transactions", &json!({})).await;
    assert_eq!(answer.code(), "session_store_unavailable");
    assert!(gateway.services.seen("POST transaction /transactions").is_empty());
}

#[tokio::test]
async fn another_session_has_no_head_start_from_it() {
    let (gateway, _) = served().await;
    let other = gateway.log_in().await;
    gateway.store.set_down(true);
    assert_eq!(gateway.get(&other, "/accounts").await.status, 503);
    assert_eq!(gateway.services.seen(READ).len(), 1);
}
