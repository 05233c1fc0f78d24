//! One's own data: the download of it, and its end.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Gateway, forgets, problem};

const CONFIRM: &str = "POST auth /auth/confirm-password";

fn with_data(gateway: &Gateway) {
    let id = gateway.user_id;
    let answer = |call: &str, body: Value| gateway.services.on(call, move |_| Json(body.clone()));
    answer("GET auth /auth/account", json!({ "username": "alice" }));
    answer("GET auth /auth/sessions", json!({ "items": [1] }));
    answer("GET user /users/me", json!({ "display_name": "Alice" }));
    answer("GET user /users/me/preferences", json!({ "language": "en" }));
    answer("GET account /accounts", json!({ "items": [{ "id": id }] }));
    let entries = format!("GET account /accounts/{id}/entries?limit=200");
    answer(&entries, json!({ "items": [3, 2], "next_cursor": "2" }));
    answer(
        &format!("{entries}&cursor=2"),
        json!({ "items": [1], "next_cursor": null }),
    );
    answer(
        "GET transaction /transactions?limit=200",
        json!({ "items": [], "next_cursor": null }),
    );
    answer(
        "GET activity /activity?limit=200",
        json!({ "items": [{}], "next_cursor": null }),
    );
}

#[tokio::test]
async fn the_download_has_all_pages_of_everything() {
    let gateway = Gateway::start().await;
    with_data(&gateway);
    let cookie = gateway.log_in().await;
    let answer = gateway.get(&cookie, "/users/me/export").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    let data = answer.json;
    assert_eq!(data["account"]["username"], "alice");
    assert_eq!(data["profile"]["display_name"], "Alice");
    assert_eq!(
        data["accounts"][0]["entries"],
        json!({ "items": [3, 2, 1], "complete": true })
    );
    assert_eq!(data["activity"]["items"].as_array().unwrap().len(), 1);
    gateway.services.away("GET user /users/me");
    let answer = gateway.get(&cookie, "/users/me/export").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "service_unavailable")
    );
    assert_eq!(gateway.get("", "/users/me/export").await.code(), "not_logged_in");
}

#[tokio::test]
async fn downloads_are_not_for_every_second() {
    let gateway = Gateway::start().await;
    with_data(&gateway);
    let cookie = gateway.log_in().await;
    for _ in 0..5 {
        assert_eq!(gateway.get(&cookie, "/users/me/export").await.status, 200);
    }
    assert_eq!(
        gateway.get(&cookie, "/users/me/export").await.code(),
        "rate_limited"
    );
}

#[tokio::test]
async fn a_deletion_tells_every_service_and_auth_last() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    for call in [
        CONFIRM,
        "POST account /internal/erase",
        "POST user /internal/erase",
        "POST transaction /internal/erase",
        "POST auth /internal/erase",
    ] {
        gateway.services.on(call, |_| StatusCode::NO_CONTENT);
    }
    let body = json!({ "password": "right" });
    let answer = gateway.post(&cookie, "/users/me/deletion", &body).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert!(forgets(&answer));
    assert_eq!(gateway.services.seen(CONFIRM)[0].json(), body);
    assert_eq!(gateway.tokens(CONFIRM), ["Bearer token-of-login"]);
    for service in ["account", "user", "transaction", "auth"] {
        let seen = &gateway.services.seen(&format!("POST {service} /internal/erase"))[0];
        assert_eq!(seen.json(), json!({ "user_id": gateway.user_id }));
        assert_eq!(seen.headers["authorization"], "Bearer outbound");
    }
}

#[tokio::test]
async fn a_deletion_needs_the_password_and_empty_accounts() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let body = json!({ "password": "right" });
    gateway.services.on(CONFIRM, |_| problem(403, "wrong_password"));
    let answer = gateway.post(&cookie, "/users/me/deletion", &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (403, "wrong_password"));
    gateway.services.on(CONFIRM, |_| StatusCode::NO_CONTENT);
    gateway.services.on("POST account /internal/erase", |_| {
        problem(409, "account_not_empty")
    });
    let answer = gateway.post(&cookie, "/users/me/deletion", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (409, "account_not_empty")
    );
    assert!(gateway.services.seen("POST user /internal/erase").is_empty());
    assert!(gateway.services.seen("POST auth /internal/erase").is_empty());
    let foreign = gateway
        .send(
            "POST",
            &cookie,
            "/users/me/deletion",
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await;
    assert_eq!(foreign.code(), "csrf_rejected");
}
