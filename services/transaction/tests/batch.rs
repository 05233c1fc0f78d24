//! `POST /transactions/batch`.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, transfer_of};

fn batch(atomic: bool, amounts: &[i64]) -> Value {
    let items: Vec<_> = amounts
        .iter()
        .enumerate()
        .map(|(number, amount)| {
            let mut item = transfer_of(*amount);
            item["key"] = json!(format!("item-{number}"));
            item
        })
        .collect();
    json!({ "atomic": atomic, "items": items })
}

#[sqlx::test]
async fn a_thousand_items_go_in_one_call_and_are_answered_in_their_order(pool: PgPool) {
    let app = App::new(pool).await;
    let (user, body) = (Uuid::now_v7(), batch(false, &[1; 1_000]));
    let token = app.issuer.user_token(user);
    let first = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let results = first.json()["results"].as_array().unwrap().clone();
    assert!(
        results
            .iter()
            .zip(0..)
            .all(|(result, number)| result["key"] == format!("item-{number}")
                && result["transaction"]["state"] == "completed")
    );
    assert_eq!(
        app.send("/transactions/batch", &token, Some("k"), &body).await,
        first
    );
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (1_000, 1_000));
    assert_eq!(*app.ledger.atomic.lock().unwrap(), [false]);
    let other = app
        .send("/transactions/batch", &token, Some("k"), &batch(false, &[2]))
        .await;
    assert_eq!(other.code(), "idempotency_key_reused");
}

#[sqlx::test]
async fn each_item_is_answered_by_itself(pool: PgPool) {
    let app = App::new(pool).await;
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    let answer = app
        .ask(Uuid::now_v7(), "/transactions/batch", &batch(false, &[1, 2]))
        .await;
    assert_eq!(answer.status, 200);
    for result in answer.json()["results"].as_array().unwrap() {
        assert_eq!(result["transaction"]["failure_code"], "insufficient_funds");
    }
}

#[sqlx::test]
async fn an_atomic_batch_that_was_interrupted_is_driven_on_as_a_whole(pool: PgPool) {
    let app = App::new(pool).await;
    let (token, body) = (app.issuer.user_token(Uuid::now_v7()), batch(true, &[1; 700]));
    app.ledger.set(Mode::Down);
    let pending = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(
        (pending.status, pending.code().as_str()),
        (503, "outcome_pending")
    );
    let again = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "idempotency_in_progress")
    );

    app.ledger.set(Mode::Apply);
    app.ledger.seen.lock().unwrap().clear();
    app.recover().await;
    assert_eq!(
        app.ledger.seen.lock().unwrap().len(),
        700,
        "in one call, though a round takes fewer"
    );
    assert!(app.ledger.atomic.lock().unwrap().iter().all(|atomic| *atomic));
    let answer = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        app.send("/transactions/batch", &token, Some("k"), &body).await,
        answer
    );
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (700, 700));
}

#[sqlx::test]
async fn a_batch_that_was_interrupted_is_driven_on_by_its_members(pool: PgPool) {
    let app = App::new(pool).await;
    let (token, body) = (app.issuer.user_token(Uuid::now_v7()), batch(false, &[1; 20]));
    app.ledger.set(Mode::LoseAnswer);
    let pending = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(pending.code(), "outcome_pending");
    app.ledger.set(Mode::Apply);
    assert_eq!(app.recover().await, 20);
    let answer = app.send("/transactions/batch", &token, Some("k"), &body).await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 20);
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (20, 20));
}

#[sqlx::test]
async fn a_batch_of_the_wrong_form_records_nothing(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let with = |change: fn(&mut Value)| {
        let mut body = batch(false, &[1, 2]);
        change(&mut body);
        body
    };
    for (body, code) in [
        (batch(false, &[]), "invalid_request"),
        (batch(false, &[1; 1_001]), "invalid_request"),
        (
            with(|body| body["items"][1]["key"] = json!("item-0")),
            "duplicate_item",
        ),
        (
            with(|body| body["items"][1]["key"] = json!("")),
            "invalid_request",
        ),
        (
            with(|body| body["items"][1]["key"] = json!("x".repeat(65))),
            "invalid_request",
        ),
        (batch(false, &[1, 0]), "invalid_amount"),
        (batch(false, &[1, i64::MIN]), "invalid_amount"),
        (
            with(|body| body["items"][1]["to_account_id"] = body["items"][1]["from_account_id"].clone()),
            "same_account",
        ),
        (with(|body| body["items"][1]["fee"] = json!(1)), "invalid_request"),
        (
            with(|body| body["items"][1]["description"] = json!("x".repeat(2_000_000))),
            "body_too_large",
        ),
    ] {
        let answer = app.ask(user, "/transactions/batch", &body).await;
        assert_eq!(answer.code(), code);
    }
    assert_eq!(
        (
            app.count("transactions").await,
            app.count("idempotency_keys").await
        ),
        (0, 0)
    );
}
