//! `POST /internal/erase`.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, deliver, request};
use uuid::Uuid;

use crate::support::{app, call_as, call_as_service, get_as, patch_as, user_registered};

async fn erase(router: &Router, user_id: Uuid) -> Answer {
    let body = json!({ "user_id": user_id });
    call_as_service(router, "gateway", "erase", "/internal/erase", &body).await
}

/// A user who has told everything.
async fn known_user(router: &Router) -> Uuid {
    let user_id = Uuid::now_v7();
    let told = json!({
        "display_name": "Ada", "phone": "+491701234567", "avatar_url": "https://example.com/ada.png",
        "address": { "lines": ["Unter den Linden 1"], "city": "Berlin", "country": "DE" },
    });
    assert_eq!(
        patch_as(router, user_id, "/users/me", told).await.status,
        StatusCode::OK
    );
    let preferred = json!({ "language": "de" });
    let answer = patch_as(router, user_id, "/users/me/preferences", preferred).await;
    assert_eq!(answer.status, StatusCode::OK);
    user_id
}

#[sqlx::test]
async fn nothing_is_left_of_an_erased_user_and_all_of_the_others(pool: PgPool) {
    let router = app(pool.clone());
    let (erased, other) = (known_user(&router).await, known_user(&router).await);
    for _ in 0..2 {
        assert_eq!(erase(&router, erased).await.status, StatusCode::NO_CONTENT);
    }
    let rows: Vec<Uuid> =
        sqlx::query_scalar("SELECT user_id FROM profiles UNION ALL SELECT user_id FROM preferences")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(rows, [other, other]);
    assert_eq!(get_as(&router, other).await.json["display_name"], "Ada");
}

#[sqlx::test]
async fn what_comes_late_brings_nothing_of_an_erased_user_back(pool: PgPool) {
    let router = app(pool);
    let user_id = known_user(&router).await;
    erase(&router, user_id).await;
    let event = user_registered(user_id);
    let late = deliver(&router, "/events/user-registered", "from-the-sidecar", &event).await;
    assert_eq!(late.json["status"], "SUCCESS");
    let body = json!({ "user_id": user_id });
    call_as_service(&router, "gateway", "provision", "/internal/provision", &body).await;
    let profile = get_as(&router, user_id).await.json;
    for field in ["display_name", "phone", "address", "avatar_url"] {
        assert_eq!(profile[field], Value::Null, "{field}");
    }
    let preferences = call_as(&router, user_id, "GET", "/users/me/preferences", Value::Null).await;
    assert_eq!(preferences.json["language"], "en");
}

#[sqlx::test]
async fn a_change_and_an_erasure_at_once_both_end_well(pool: PgPool) {
    let router = app(pool);
    for _ in 0..20 {
        let user_id = known_user(&router).await;
        let (change, look, erasure) = tokio::join!(
            patch_as(&router, user_id, "/users/me", json!({ "locale": "de" })),
            get_as(&router, user_id),
            erase(&router, user_id)
        );
        assert_eq!((change.status, look.status), (StatusCode::OK, StatusCode::OK));
        assert_eq!(erasure.status, StatusCode::NO_CONTENT);
        let left = get_as(&router, user_id).await.json;
        assert_eq!(left["display_name"], Value::Null);
    }
}

#[sqlx::test]
async fn only_the_gateway_erases(pool: PgPool) {
    let router = app(pool);
    let user_id = known_user(&router).await;
    let body = json!({ "user_id": user_id });
    for (caller, scope) in [("email", "erase"), ("gateway", "provision")] {
        let answer = call_as_service(&router, caller, scope, "/internal/erase", &body).await;
        assert_eq!(answer.code(), "forbidden", "{caller} {scope}");
    }
    let person = Issuer::new().user_token(user_id);
    for (token, code) in [(person.as_str(), "invalid_token"), ("", "missing_token")] {
        let answer = call(&router, request("POST", "/internal/erase", token, &body)).await;
        assert_eq!(answer.code(), code);
    }
    for bad in [json!({}), json!({ "user_id": "ada" })] {
        let answer = call_as_service(&router, "gateway", "erase", "/internal/erase", &bad).await;
        assert_eq!(answer.code(), "invalid_request");
    }
    assert_eq!(get_as(&router, user_id).await.json["display_name"], "Ada");
}
