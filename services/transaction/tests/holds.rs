//! Holds: authorised, and then captured, voided or expired.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use transaction::expiry::expire;
use uuid::Uuid;

use crate::support::{App, Mode, PAYEE, transfer_of};

fn euro(amount: i64) -> Value {
    json!({ "amount_minor": amount, "currency": "EUR" })
}

async fn state(app: &App, user: Uuid, hold: Uuid) -> Value {
    app.get(&format!("/holds/{hold}"), user).await.json["state"].clone()
}

#[sqlx::test]
async fn a_hold_is_captured_in_part_by_who_receives_the_money(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let hold = app.hold(payer, 80).await;
    for party in [payer, PAYEE] {
        let shown = app.get(&format!("/holds/{hold}"), party).await.json;
        assert_eq!(
            (&shown["state"], &shown["captured"]),
            (&json!("authorized"), &Value::Null)
        );
        let open = app.get("/holds", party).await.json;
        assert_eq!(open["items"], json!([shown]));
    }
    assert_eq!(app.count("outbox").await, 0, "no money has moved");

    let path = format!("/holds/{hold}/capture");
    assert_eq!(app.ask(payer, &path, &json!({})).await.code(), "hold_not_found");
    let captured = app.ask(PAYEE, &path, &json!({ "amount": euro(30) })).await;
    assert_eq!(captured.status, 201, "{}", captured.body);
    let captured = captured.json();
    assert_eq!(
        (&captured["kind"], &captured["hold_id"]),
        (&json!("capture"), &json!(hold))
    );
    assert_eq!(
        (&captured["from_user_id"], &captured["to_user_id"]),
        (&json!(payer), &json!(PAYEE))
    );

    let shown = app.get(&format!("/holds/{hold}"), payer).await.json;
    assert_eq!(
        (&shown["state"], &shown["captured"], &shown["ended_by"]),
        (&json!("captured"), &euro(30), &captured["id"])
    );
    assert_eq!(app.get("/holds", payer).await.json["items"], json!([]));
    let history = app.get("/transactions", payer).await.json;
    assert_eq!(
        history["items"][0]["id"], captured["id"],
        "the payer sees the capture"
    );
    let event: Value = sqlx::query_scalar("select data from outbox")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(
        (&event["kind"], &event["from_user_id"], &event["to_user_id"]),
        (&json!("capture"), &json!(payer), &json!(PAYEE))
    );
}

#[sqlx::test]
async fn a_hold_ends_once_whoever_races(pool: PgPool) {
    let app = Arc::new(App::new(pool).await);
    let hold = app.hold(Uuid::now_v7(), 80).await;
    let ends: Vec<_> = (0..12)
        .map(|number| {
            let app = app.clone();
            let end = if number % 2 == 0 { "capture" } else { "void" };
            tokio::spawn(async move { app.ask(PAYEE, &format!("/holds/{hold}/{end}"), &json!({})).await })
        })
        .collect();
    let mut done = 0;
    for end in ends {
        let answer = end.await.unwrap();
        match answer.status {
            201 => done += 1,
            409 => assert_eq!(answer.code(), "hold_busy"),
            _ => assert_eq!(answer.code(), "hold_ended"),
        }
    }
    assert_eq!(done, 1);
    let again = app.ask(PAYEE, &format!("/holds/{hold}/void"), &json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (422, "hold_ended"));
    assert_eq!(app.count("open_holds").await, 0);
}

#[sqlx::test]
async fn a_repeat_of_a_capture_gets_its_answer_though_the_hold_has_ended(pool: PgPool) {
    let app = App::new(pool).await;
    let (hold, token) = (app.hold(Uuid::now_v7(), 80).await, app.issuer.user_token(PAYEE));
    let path = format!("/holds/{hold}/capture");
    let first = app.send(&path, &token, Some("k"), &json!({})).await;
    assert_eq!(first.status, 201);
    assert_eq!(app.send(&path, &token, Some("k"), &json!({})).await, first);
    let other = app
        .send(&path, &token, Some("k"), &json!({ "amount": euro(1) }))
        .await;
    assert_eq!(other.code(), "idempotency_key_reused");
}

#[sqlx::test]
async fn a_capture_that_is_refused_leaves_the_hold_open(pool: PgPool) {
    let app = App::new(pool).await;
    let hold = app.hold(Uuid::now_v7(), 80).await;
    let path = format!("/holds/{hold}/capture");
    for (code, status) in [
        ("capture_exceeds_hold", 422),
        ("account_frozen", 422),
        ("hold_expired", 422),
    ] {
        app.ledger.set(Mode::Refuse(code));
        let refused = app.ask(PAYEE, &path, &json!({})).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code));
    }
    assert_eq!(state(&app, PAYEE, hold).await, "authorized");
    app.ledger.set(Mode::Apply);
    assert_eq!(app.ask(PAYEE, &path, &json!({})).await.status, 201);
}

#[sqlx::test]
async fn a_hold_whose_time_is_over_expires_by_itself_once(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let (over, lasting) = (app.hold(payer, 80).await, app.hold(payer, 10).await);
    assert_eq!(expire(&app.pool, &app.state.settler).await.unwrap(), 0);
    sqlx::query("update open_holds set expires_at = now() - interval '1 minute' where transaction_id = $1")
        .bind(over)
        .execute(&app.pool)
        .await
        .unwrap();
    let both = tokio::join!(
        expire(&app.pool, &app.state.settler),
        expire(&app.pool, &app.state.settler)
    );
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 1);
    assert_eq!(state(&app, payer, over).await, "expired");
    assert_eq!(state(&app, payer, lasting).await, "authorized");
    let seen = app.ledger.seen.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        (&seen["kind"], &seen["hold_id"], &seen["amount"]),
        (&json!("expiry"), &json!(over), &euro(80))
    );
    assert_eq!(expire(&app.pool, &app.state.settler).await.unwrap(), 0);
}

#[sqlx::test]
async fn an_operator_voids_and_captures_too(pool: PgPool) {
    let app = App::new(pool).await;
    let hold = app.hold(Uuid::now_v7(), 80).await;
    let voided = app
        .ask_as_operator(&format!("/holds/{hold}/void"), &json!({}))
        .await;
    assert_eq!(voided.status, 201);
    assert_eq!(
        app.ledger.seen.lock().unwrap().last().unwrap()["by_operator"],
        true
    );
    assert_eq!(state(&app, PAYEE, hold).await, "voided");
}

#[sqlx::test]
async fn what_is_no_hold_or_nobodys_is_not_found(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let transfer = app.transfer(payer, "k", &transfer_of(5)).await.json();
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    let failed = app.ask(payer, "/holds", &transfer_of(5)).await;
    assert_eq!(failed.code(), "insufficient_funds");
    for id in [transfer["id"].as_str().unwrap(), &Uuid::now_v7().to_string()] {
        let path = format!("/holds/{id}/capture");
        assert_eq!(app.ask(PAYEE, &path, &json!({})).await.code(), "hold_not_found");
        assert_eq!(
            app.get(&format!("/holds/{id}"), payer).await.code(),
            "hold_not_found"
        );
    }
    let mut endless = transfer_of(5);
    endless["expires_in_s"] = json!(2_592_001);
    assert_eq!(app.ask(payer, "/holds", &endless).await.code(), "invalid_request");
}
