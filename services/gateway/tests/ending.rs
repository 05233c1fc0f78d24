//! Sessions that end before their time, for all replicas.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{call, deliver};
use uuid::Uuid;

use crate::support::{Gateway, access, forgets, problem, request, until};

const RENEW: &str = "POST auth /sessions/renew";

fn revoked(session_id: &str) -> Value {
    json!({ "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.session.revoked.v1", "source": "auth",
        "subject": "a", "time": "2026-01-01T00:00:00Z",
        "data": { "user_id": Uuid::now_v7(), "session_id": session_id, "reason": "admin" } })
}

async fn session_id(gateway: &Gateway, cookie: &str) -> String {
    let session = gateway.get(cookie, "/auth/session").await.json;
    session["session_id"].as_str().unwrap().to_owned()
}

/// Auth knows the session no more.
fn over_in_auth(gateway: &Gateway) {
    gateway.services.on(RENEW, |_| problem(401, "session_ended"));
}

#[tokio::test]
async fn what_auth_says_has_ended_is_over_when_the_answer_comes() {
    let gateway = Gateway::start().await;
    let (here, there) = (gateway.log_in().await, gateway.log_in().await);
    let ended = format!(
        "{},{}",
        session_id(&gateway, &here).await,
        session_id(&gateway, &there).await
    );
    gateway.services.on("DELETE auth /auth/sessions", move |_| {
        (StatusCode::NO_CONTENT, [("payme-ended-sessions", ended.clone())])
    });
    over_in_auth(&gateway);
    let answer = gateway
        .send(
            "DELETE",
            &here,
            "/auth/sessions",
            &[("origin", crate::support::ORIGIN), ("x-payme-csrf", "1")],
            "",
        )
        .await;
    assert_eq!(answer.status, 204);
    assert!(forgets(&answer));
    assert!(!answer.headers.contains_key("payme-ended-sessions"));
    assert!(gateway.store.sessions().is_empty());
    for cookie in [here, there] {
        let answer = call(
            &gateway.replica(),
            request("GET", &cookie, "/accounts", &[], "".into()),
        )
        .await;
        assert_eq!(answer.code(), "not_logged_in");
    }
}

#[tokio::test]
async fn an_event_ends_a_session_and_a_repeat_is_harmless() {
    let gateway = Gateway::start().await;
    let (cookie, other) = (gateway.log_in().await, gateway.log_in().await);
    let event = revoked(&session_id(&gateway, &cookie).await);
    over_in_auth(&gateway);
    for _ in 0..2 {
        let answer = deliver(&gateway.router, "/events/session-revoked", "app", &event).await;
        assert_eq!(answer.json["status"], "SUCCESS");
    }
    assert_eq!(gateway.get(&cookie, "/accounts").await.code(), "not_logged_in");
    assert_eq!(gateway.get(&other, "/accounts").await.status, 200);
}

#[tokio::test]
async fn an_event_comes_again_while_the_store_is_down_and_strangers_deliver_none() {
    let gateway = Gateway::start().await;
    let event = revoked(&Uuid::now_v7().to_string());
    gateway.store.set_down(true);
    let answer = deliver(&gateway.router, "/events/session-revoked", "app", &event).await;
    assert_eq!(answer.status, 503);
    gateway.store.set_down(false);
    let answer = deliver(&gateway.router, "/events/session-revoked", "guessed", &event).await;
    assert_eq!(answer.code(), "not_from_sidecar");
    let mut unknown = event;
    unknown["type"] = json!("payme.session.revoked.v2");
    let answer = deliver(&gateway.router, "/events/session-revoked", "app", &unknown).await;
    assert_eq!(answer.json["status"], "SUCCESS");
}

#[tokio::test]
async fn a_renewal_that_overlaps_the_end_brings_nothing_back() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let (user_id, id) = (gateway.user_id, session_id(&gateway, &cookie).await);
    gateway.age(&cookie, 500, 100, 20_000);
    // Auth has renewed just before the end, and its answer arrives just after it.
    let (store, ended) = (gateway.store.clone(), id.clone());
    gateway.services.on(RENEW, move |_| {
        let mut entries = store.entries.lock().unwrap();
        entries.retain(|key, _| key.contains(':'));
        let mark = crate::support::entry(b"1");
        entries.insert(format!("ended:{ended}"), mark);
        let mut body = access(user_id, "too-late", 600);
        body["session_id"] = ended.clone().into();
        Json(body)
    });
    assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
    until("the renewal is done", || {
        !gateway.services.seen(RENEW).is_empty() && gateway.store.sessions().is_empty()
    })
    .await;
    assert_eq!(gateway.get(&cookie, "/accounts").await.code(), "not_logged_in");
    assert!(
        !gateway
            .tokens("GET account /accounts")
            .contains(&"Bearer too-late".to_owned())
    );
}

#[tokio::test]
async fn an_entry_that_is_played_back_after_the_end_opens_nothing_for_long() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let (key, old) = gateway.store.sessions()[0].clone();
    gateway.post(&cookie, "/auth/logout", &json!({})).await;
    over_in_auth(&gateway);
    assert_eq!(gateway.get(&cookie, "/accounts").await.code(), "not_logged_in");
    // Whoever writes to the store can bring an entry back, but not past the token that is in it.
    gateway.store.entries.lock().unwrap().insert(key, old);
    gateway.age(&cookie, 600, 10, 20_000);
    assert_eq!(gateway.get(&cookie, "/accounts").await.code(), "not_logged_in");
}

#[tokio::test]
async fn a_login_replaces_the_session_that_the_browser_had() {
    let gateway = Gateway::start().await;
    let old = gateway.log_in().await;
    let body = json!({ "username": "alice", "password": "right" });
    gateway.post(&old, "/auth/login", &body).await;
    let told = gateway.services.seen("POST auth /login");
    assert_eq!(
        told[1].json()["client"]["replaces"],
        told[0].json()["client"]["session_ref"]
    );
    assert!(told[0].json()["client"].get("replaces").is_none());
}
