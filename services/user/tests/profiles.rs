//! The routes, with a real PostgreSQL.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Issuer, call, deliver, request};
use uuid::Uuid;

use crate::support::{app, get_as, patch_as, user_registered};

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
    let patch = |body: Value| patch_as(&router, user_id, "/users/me", body);
    assert_eq!(
        patch(json!({ "display_name": "Ada" })).await.json["display_name"],
        "Ada"
    );
    let changed = patch(json!({ "time_zone": "Europe/Berlin" })).await.json;
    assert_eq!(
        (&changed["display_name"], &changed["time_zone"]),
        (&json!("Ada"), &json!("Europe/Berlin"))
    );
    assert_eq!(get_as(&router, user_id).await.json, changed);
}

#[sqlx::test]
async fn null_takes_away_what_a_profile_can_do_without(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let patch = |body: Value| patch_as(&router, user_id, "/users/me", body);
    let told = json!({
        "display_name": "Ada", "phone": "+491701234567", "avatar_url": "https://example.com/ada.png",
        "address": {
            "lines": ["Unter den Linden 1"], "postal_code": "10117", "city": "Berlin", "region": null, "country": "DE",
        },
    });
    let whole = patch(told.clone()).await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.json);
    for (field, value) in told.as_object().unwrap() {
        assert_eq!(&whole.json[field], value);
        let without = patch(json!({ field: null })).await.json;
        assert_eq!(without[field], Value::Null, "{field}");
    }
    for field in ["locale", "time_zone"] {
        let answer = patch(json!({ field: null })).await;
        assert_eq!(answer.code(), "invalid_request", "{field}");
    }
}

#[sqlx::test]
async fn a_part_of_an_address_changes_alone(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let patch = |address: Value| patch_as(&router, user_id, "/users/me", json!({ "address": address }));
    let incomplete = patch(json!({ "city": "Berlin" })).await;
    assert_eq!(
        (incomplete.code(), &incomplete.json["errors"][0]["field"]),
        ("invalid_request", &json!("address"))
    );
    patch(
        json!({ "lines": ["Unter den Linden 1"], "postal_code": "10117", "city": "Berlin", "country": "DE" }),
    )
    .await;
    let moved = patch(json!({ "postal_code": null, "city": "Potsdam" }))
        .await
        .json;
    assert_eq!(
        moved["address"],
        json!({ "lines": ["Unter den Linden 1"], "postal_code": null, "city": "Potsdam", "region": null, "country": "DE" })
    );
}

#[sqlx::test]
async fn a_profile_that_breaks_a_rule_changes_nothing(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let before = get_as(&router, user_id).await.json;
    let address = |changed: Value| {
        let mut address = json!({ "lines": ["Unter den Linden 1"], "city": "Berlin", "country": "DE" });
        let fields = changed.as_object().unwrap().clone();
        address.as_object_mut().unwrap().extend(fields);
        json!({ "display_name": "Ada", "address": address })
    };
    for bad in [
        json!({ "locale": "??" }),
        json!({ "time_zone": "Mars" }),
        json!({ "display_name": "" }),
        json!({ "display_name": "x".repeat(81) }),
        json!({ "display_name": "nul\0" }),
        json!({ "role": "admin" }),
        json!({ "phone": "0170 1234567" }),
        json!({ "avatar_url": "http://example.com/ada.png" }),
        json!({ "avatar_url": "ada.png" }),
        json!({ "avatar_url": format!("https://example.com/{}", "a".repeat(2048)) }),
        json!({ "address": "Berlin" }),
        address(json!({ "lines": [] })),
        address(json!({ "lines": ["1", "2", "3", "4"] })),
        address(json!({ "lines": ["x".repeat(101)] })),
        address(json!({ "lines": ["two\nlines"] })),
        address(json!({ "postal_code": "1".repeat(21) })),
        address(json!({ "city": "" })),
        address(json!({ "city": null })),
        address(json!({ "region": "x".repeat(101) })),
        address(json!({ "country": "Germany" })),
        address(json!({ "country": "XX" })),
        address(json!({ "planet": "Earth" })),
    ] {
        let answer = patch_as(&router, user_id, "/users/me", bad.clone()).await;
        assert_eq!(answer.code(), "invalid_request", "{bad}");
    }
    assert_eq!(get_as(&router, user_id).await.json, before);
}

#[sqlx::test]
async fn an_event_makes_a_profile_once(pool: PgPool) {
    let (router, user_id) = (app(pool.clone()), Uuid::now_v7());
    let event = user_registered(user_id);
    for _ in 0..2 {
        let answer = deliver(&router, "/events/user-registered", "from-the-sidecar", &event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
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
    assert_eq!(unreadable.json["status"], "SUCCESS");
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
