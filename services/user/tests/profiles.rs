//! The routes, with a real PostgreSQL.

mod support;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use support::{app, get_as};
use testkit::{Issuer, call, deliver, request};
use uuid::Uuid;

#[sqlx::test]
async fn a_profile_is_made_when_it_is_first_asked_for(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let first = get_as(&router, user_id).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.json["user_id"], json!(user_id));
    assert_eq!(
        (&first.json["display_name"], &first.json["locale"]),
        (&Value::Null, &json!("en"))
    );
    assert_eq!(get_as(&router, user_id).await.json, first.json);
}

#[sqlx::test]
async fn only_what_is_given_changes(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let token = Issuer::new().user_token(user_id);
    let patch = |body: Value| call(&router, request("PATCH", "/users/me", &token, &body));
    assert_eq!(
        patch(json!({ "display_name": "Ada" })).await.json["display_name"],
        "Ada"
    );
    let changed = patch(json!({ "time_zone": "Europe/Berlin" })).await.json;
    assert_eq!(
        (&changed["display_name"], &changed["time_zone"]),
        (&json!("Ada"), &json!("Europe/Berlin"))
    );
    for bad in [
        json!({ "locale": "??" }),
        json!({ "time_zone": "Mars" }),
        json!({ "display_name": "" }),
        json!({ "display_name": "x".repeat(81) }),
        json!({ "role": "admin" }),
    ] {
        assert_eq!(patch(bad.clone()).await.code(), "invalid_request", "{bad}");
    }
    assert_eq!(get_as(&router, user_id).await.json, changed);
}

#[sqlx::test]
async fn an_event_makes_a_profile_once(pool: PgPool) {
    let (router, user_id) = (app(pool.clone()), Uuid::now_v7());
    let event = json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.user.registered.v1", "source": "auth",
        "subject": user_id, "time": "2026-01-01T00:00:00Z", "data": { "user_id": user_id },
    });
    for _ in 0..2 {
        let answer = deliver(&router, "/events/user-registered", "from-the-sidecar", &event).await;
        assert_eq!(
            (answer.status, &answer.json["status"]),
            (StatusCode::OK, &json!("SUCCESS"))
        );
    }
    let profiles: i64 = sqlx::query_scalar("SELECT count(*) FROM profiles")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(profiles, 1);
    let unreadable = deliver(
        &router,
        "/events/user-registered",
        "from-the-sidecar",
        &json!({ "id": 1 }),
    )
    .await;
    assert_eq!(unreadable.json["status"], "DROP");
    let stranger = deliver(&router, "/events/user-registered", "guessed", &event).await;
    assert_eq!(stranger.code(), "not_from_sidecar");
}

#[sqlx::test]
async fn only_the_gateway_provisions(pool: PgPool) {
    let router = app(pool);
    let body = json!({ "user_id": Uuid::now_v7() });
    let provision = |token: String| {
        let (router, body) = (router.clone(), body.clone());
        async move { call(&router, request("POST", "/internal/provision", &token, &body)).await }
    };
    let issuer = Issuer::new();
    for _ in 0..2 {
        let answer = provision(issuer.service_token("gateway", "user", "provision")).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(
        provision(issuer.service_token("email", "user", "provision"))
            .await
            .code(),
        "forbidden"
    );
    assert_eq!(
        provision(issuer.user_token(Uuid::now_v7())).await.code(),
        "invalid_token"
    );
    assert_eq!(provision(String::new()).await.code(), "missing_token");
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    assert_eq!(
        user::openapi().unwrap().trim(),
        include_str!("../contract/openapi.json").trim(),
        "run `make contracts`"
    );
}
