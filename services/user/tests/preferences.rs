//! `GET` and `PATCH /users/me/preferences`, and `POST /internal/preferences`.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Issuer, call, request};
use uuid::Uuid;

use crate::support::{app, call_as, call_as_service, patch_as};

const PATH: &str = "/users/me/preferences";

fn by_email() -> Value {
    json!({
        "money_sent": ["email"], "money_received": ["email"], "topped_up": ["email"], "new_device_login": ["email"],
        "payment_requests": ["email"], "statement": ["email"],
    })
}

#[sqlx::test]
async fn who_has_said_nothing_is_written_to_in_english_about_everything(pool: PgPool) {
    let router = app(pool);
    let answer = call_as(&router, Uuid::now_v7(), "GET", PATH, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json,
        json!({ "language": "en", "default_account_id": null, "notifications": by_email() })
    );
}

#[sqlx::test]
async fn only_the_preferences_that_are_given_change(pool: PgPool) {
    let (router, user_id, account_id) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    let patch = |body: Value| patch_as(&router, user_id, PATH, body);
    patch(json!({ "language": "de", "default_account_id": account_id })).await;
    patch(json!({ "notifications": { "money_sent": [] } })).await;
    let changed = patch(json!({ "notifications": { "topped_up": [] } })).await.json;
    let mut notifications = by_email();
    notifications["money_sent"] = json!([]);
    notifications["topped_up"] = json!([]);
    assert_eq!(
        changed,
        json!({ "language": "de", "default_account_id": account_id, "notifications": notifications })
    );
    let forgotten = patch(json!({ "default_account_id": null })).await.json;
    assert_eq!(forgotten["default_account_id"], Value::Null);
    assert_eq!(forgotten["language"], "de");
    assert_eq!(
        call_as(&router, user_id, "GET", PATH, Value::Null).await.json,
        forgotten
    );
    let others = call_as(&router, Uuid::now_v7(), "GET", PATH, Value::Null).await;
    assert_eq!(others.json["language"], "en");
}

#[sqlx::test]
async fn two_changes_at_once_both_stay(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    let patch =
        |kind: &'static str| patch_as(&router, user_id, PATH, json!({ "notifications": { kind: [] } }));
    let answers = tokio::join!(
        patch("money_sent"),
        patch("money_received"),
        patch("topped_up"),
        patch("new_device_login"),
        patch("payment_requests"),
        patch("statement")
    );
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5] {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(
        call_as(&router, user_id, "GET", PATH, Value::Null).await.json["notifications"],
        json!({ "money_sent": [], "money_received": [], "topped_up": [], "new_device_login": [], "payment_requests": [], "statement": [] })
    );
}

#[sqlx::test]
async fn a_choice_that_only_a_newer_version_knows_outlives_a_change(pool: PgPool) {
    let (router, user_id) = (app(pool.clone()), Uuid::now_v7());
    let speaks = async |tag: &str| {
        patch_as(&router, user_id, PATH, json!({ "language": tag }))
            .await
            .status
    };
    assert_eq!(speaks("de").await, StatusCode::OK);
    sqlx::query(r#"UPDATE preferences SET notifications = notifications || '{"of_tomorrow": []}'"#)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(speaks("en").await, StatusCode::OK);
    let kept: Value = sqlx::query_scalar("SELECT notifications -> 'of_tomorrow' FROM preferences")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, json!([]));
}

#[sqlx::test]
async fn preferences_that_break_a_rule_change_nothing(pool: PgPool) {
    let (router, user_id) = (app(pool), Uuid::now_v7());
    for bad in [
        json!({ "language": "pt_BR" }),
        json!({ "language": null }),
        json!({ "default_account_id": "mine" }),
        json!({ "notifications": null }),
        json!({ "notifications": { "topped_up": null } }),
        json!({ "notifications": { "topped_up": ["pigeon"] } }),
        json!({ "language": "de", "notifications": { "password_changed": [] } }),
        json!({ "theme": "dark" }),
    ] {
        let answer = patch_as(&router, user_id, PATH, bad.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            "{bad}"
        );
    }
    assert_eq!(
        call_as(&router, user_id, "GET", PATH, Value::Null).await.json["language"],
        "en"
    );
}

#[sqlx::test]
async fn email_learns_the_preferences_of_each_user_that_it_asks_for(pool: PgPool) {
    let router = app(pool);
    let (told, silent) = (Uuid::now_v7(), Uuid::now_v7());
    patch_as(
        &router,
        told,
        "/users/me",
        json!({ "time_zone": "Europe/Berlin" }),
    )
    .await;
    let quiet = json!({ "language": "de", "notifications": { "money_sent": [] } });
    patch_as(&router, told, PATH, quiet).await;
    let answer = read(&router, &json!({ "user_ids": [silent, told] })).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut notifications = by_email();
    notifications["money_sent"] = json!([]);
    assert_eq!(
        answer.json["items"],
        json!([
            { "user_id": silent, "language": "en", "time_zone": "UTC", "notifications": by_email() },
            { "user_id": told, "language": "de", "time_zone": "Europe/Berlin", "notifications": notifications },
        ])
    );
}

#[sqlx::test]
async fn one_to_a_hundred_users_can_be_asked_for_at_once(pool: PgPool) {
    let router = app(pool);
    let ids = |count: usize| -> Vec<Uuid> { (0..count).map(|_| Uuid::now_v7()).collect() };
    let hundred = read(&router, &json!({ "user_ids": ids(100) })).await;
    assert_eq!(hundred.json["items"].as_array().unwrap().len(), 100);
    for bad in [
        json!({ "user_ids": [] }),
        json!({ "user_ids": ids(101) }),
        json!({ "user_ids": ["ada"] }),
        json!({}),
    ] {
        assert_eq!(read(&router, &bad).await.code(), "invalid_request");
    }
}

#[sqlx::test]
async fn only_email_reads_the_preferences_of_users(pool: PgPool) {
    let router = app(pool);
    let body = json!({ "user_ids": [Uuid::now_v7()] });
    for (caller, scope) in [("gateway", "preferences:read"), ("email", "erase")] {
        let answer = call_as_service(&router, caller, scope, "/internal/preferences", &body).await;
        assert_eq!(answer.code(), "forbidden", "{caller} {scope}");
    }
    let person = Issuer::new().user_token(Uuid::now_v7());
    for (token, code) in [(person.as_str(), "invalid_token"), ("", "missing_token")] {
        let answer = call(&router, request("POST", "/internal/preferences", token, &body)).await;
        assert_eq!(answer.code(), code);
    }
}

async fn read(router: &axum::Router, body: &Value) -> testkit::Answer {
    call_as_service(router, "email", "preferences:read", "/internal/preferences", body).await
}
