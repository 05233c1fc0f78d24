//! `POST /transactions`: orders, refusals and bad input.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, transfer_of};

#[sqlx::test]
async fn a_transfer_is_completed_and_announced_once(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let made = app.transfer(user, "k1", &transfer_of(1250)).await;
    assert_eq!((made.status, made.media_type.as_str()), (201, "application/json"));
    let made = made.json();
    assert_eq!(made["state"], "completed");
    assert_eq!(made["amount"], json!({ "amount_minor": 1250, "currency": "EUR" }));
    assert_eq!(made["description"], "Lunch");

    let (id, topic, data): (Uuid, String, Value) = sqlx::query_as("select id, topic, data from outbox")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(
        (id.to_string(), topic.as_str()),
        (made["id"].as_str().unwrap().to_owned(), "TRANSACTION_MADE")
    );
    assert_eq!(
        data,
        json!({ "transaction_id": id, "kind": "transfer", "from_account_id": Uuid::from_u128(1),
            "to_account_id": Uuid::from_u128(2), "from_user_id": user, "to_user_id": PAYEE,
            "amount": { "amount_minor": 1250, "currency": "EUR" }, "completed_at": made["completed_at"],
            "entries": [{ "account_id": Uuid::from_u128(1), "amount_minor": -1250 },
                        { "account_id": Uuid::from_u128(2), "amount_minor": 1250 }] })
    );
    assert_eq!(app.get(&format!("/transactions/{id}"), user).await.json, made);
}

#[sqlx::test]
async fn a_refusal_is_told_kept_and_not_announced(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for (code, status) in [
        ("insufficient_funds", 422),
        ("account_not_found", 404),
        ("account_frozen", 422),
        ("account_closed", 422),
        ("currency_mismatch", 422),
        ("balance_overflow", 422),
    ] {
        app.ledger.set(Mode::Refuse(code));
        let refused = app.transfer(user, code, &transfer_of(5)).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code));
        assert_eq!(refused.media_type, "application/problem+json");
        app.ledger.set(Mode::Apply);
        assert_eq!(
            app.transfer(user, code, &transfer_of(5)).await,
            refused,
            "the first answer again"
        );
    }
    app.ledger.set(Mode::Refuse("news_from_the_future"));
    assert_eq!(
        app.transfer(user, "k", &transfer_of(5)).await.code(),
        "transaction_refused"
    );
    assert_eq!(app.count("outbox").await, 0);
    let list = app.get("/transactions", user).await.json;
    assert_eq!(list["items"].as_array().unwrap().len(), 7);
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["state"] == "failed")
    );
    assert_eq!(list["items"][1]["failure_code"], "balance_overflow");
}

#[sqlx::test]
async fn bad_input_is_refused_and_nothing_is_recorded(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let with = |field: &str, value: Value| {
        let mut body = transfer_of(5);
        body[field] = value;
        body
    };
    let amount = |amount: Value, currency: &str| {
        with("amount", json!({ "amount_minor": amount, "currency": currency }))
    };
    for (body, code) in [
        (transfer_of(0), "invalid_amount"),
        (transfer_of(-1), "invalid_amount"),
        (transfer_of(i64::MIN), "invalid_amount"),
        (
            amount(json!(9_223_372_036_854_775_808_u64), "EUR"),
            "invalid_request",
        ),
        (amount(json!(1.5), "EUR"), "invalid_request"),
        (amount(json!("1"), "EUR"), "invalid_request"),
        (amount(json!(1), "ABC"), "invalid_request"),
        (amount(json!(1), "eur"), "invalid_request"),
        (with("to_account_id", json!(Uuid::from_u128(1))), "same_account"),
        (with("to_account_id", json!("me")), "invalid_request"),
        (with("fee", json!(1)), "invalid_request"),
        (with("description", json!("")), "invalid_request"),
        (with("description", json!("x".repeat(141))), "invalid_request"),
        (with("description", json!("a\u{0}b")), "invalid_request"),
        (json!({}), "invalid_request"),
        (with("description", json!("x".repeat(70_000))), "body_too_large"),
    ] {
        let answer = app.transfer(user, "k", &body).await;
        assert_eq!(answer.code(), code, "{body}");
        assert!((400..500).contains(&answer.status));
    }
    assert_eq!(
        (
            app.count("transactions").await,
            app.count("idempotency_keys").await
        ),
        (0, 0)
    );
    let longest = with("description", json!("\u{1f355}".repeat(140)));
    assert_eq!(app.transfer(user, "k", &longest).await.status, 201);
}

#[sqlx::test]
async fn every_route_refuses_callers_without_the_right_token(pool: PgPool) {
    let app = App::new(pool).await;
    for path in ["/transactions", "/top-ups"] {
        assert_eq!(
            app.send(path, "", Some("k"), &transfer_of(5)).await.code(),
            "missing_token"
        );
        assert_eq!(
            app.send(path, "forged", Some("k"), &transfer_of(5)).await.code(),
            "invalid_token"
        );
    }
    let body = json!({ "user_id": Uuid::now_v7() });
    let gateway = app.issuer.service_token("gateway", "transaction", "provision");
    let other = app.issuer.service_token("auth", "transaction", "provision");
    assert_eq!(
        app.send("/internal/provision", &other, None, &body).await.code(),
        "forbidden"
    );
    let provisioned = app.send("/internal/provision", &gateway, None, &body).await;
    assert_eq!(
        provisioned.json(),
        json!({ "items": [], "next_cursor": null, "previous_cursor": null })
    );
}
