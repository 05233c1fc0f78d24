//! `POST /transactions/{id}/refunds` and `POST /withdrawals`.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use transaction::config::Config;
use uuid::Uuid;

use crate::support::{App, Mode, OUTSIDE, PAYEE, transfer_of};

fn part(amount: i64) -> Value {
    json!({ "amount": { "amount_minor": amount, "currency": "EUR" } })
}

async fn paid(app: &App, payer: Uuid, amount: i64) -> String {
    let made = app.ask(payer, "/transactions", &transfer_of(amount)).await.json();
    format!(
        "/transactions/{}/refunds",
        made["id"].as_str().unwrap_or_default()
    )
}

#[sqlx::test]
async fn all_refunds_together_never_exceed_what_was_paid(pool: PgPool) {
    let app = Arc::new(App::new(pool).await);
    let path = paid(&app, Uuid::now_v7(), 100).await;
    let refunds: Vec<_> = (0..10)
        .map(|_| {
            let (app, path) = (app.clone(), path.clone());
            tokio::spawn(async move { app.ask(PAYEE, &path, &part(30)).await })
        })
        .collect();
    let mut done = 0;
    for refund in refunds {
        let answer = refund.await.unwrap();
        if answer.status == 201 {
            done += 1;
        } else {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (422, "refund_exceeds_transaction")
            );
        }
    }
    assert_eq!(done, 3);
    assert_eq!(
        app.ask(PAYEE, &path, &part(11)).await.code(),
        "refund_exceeds_transaction"
    );
    assert_eq!(
        app.ask(PAYEE, &path, &part(i64::MAX)).await.code(),
        "refund_exceeds_transaction"
    );
    assert_eq!(app.ask(PAYEE, &path, &part(10)).await.status, 201);
}

#[sqlx::test]
async fn a_refund_goes_the_other_way_and_its_repeat_is_the_same(pool: PgPool) {
    let app = App::new(pool).await;
    let (payer, token) = (Uuid::now_v7(), app.issuer.user_token(PAYEE));
    let path = paid(&app, payer, 100).await;
    let first = app.send(&path, &token, Some("k"), &json!({})).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(app.send(&path, &token, Some("k"), &json!({})).await, first);
    let refund = first.json();
    assert_eq!(
        (&refund["from_account_id"], &refund["to_account_id"]),
        (&json!(Uuid::from_u128(2)), &json!(Uuid::from_u128(1)))
    );
    assert!(path.contains(refund["refunds_id"].as_str().unwrap()));
}

#[sqlx::test]
async fn a_refund_that_fails_can_be_tried_again(pool: PgPool) {
    let app = App::new(pool).await;
    let path = paid(&app, Uuid::now_v7(), 100).await;
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    assert_eq!(
        app.ask(PAYEE, &path, &json!({})).await.code(),
        "insufficient_funds"
    );
    app.ledger.set(Mode::Apply);
    assert_eq!(app.ask(PAYEE, &path, &json!({})).await.status, 201);
}

#[sqlx::test]
async fn only_the_payee_or_an_operator_gives_back_and_only_what_was_paid(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let path = paid(&app, payer, 100).await;
    let by_payer = app.ask(payer, &path, &json!({})).await;
    assert_eq!(
        (by_payer.status, by_payer.code().as_str()),
        (403, "refund_not_allowed")
    );
    assert_eq!(
        app.ask(Uuid::now_v7(), &path, &json!({})).await.code(),
        "transaction_not_found"
    );
    let mut dollars = part(1);
    dollars["amount"]["currency"] = json!("USD");
    assert_eq!(app.ask(PAYEE, &path, &dollars).await.code(), "currency_mismatch");
    assert_eq!(app.ask(PAYEE, &path, &part(0)).await.code(), "invalid_amount");
    let refund = app.ask_as_operator(&path, &part(40)).await;
    assert_eq!(refund.status, 201, "{}", refund.body);
    assert_eq!(
        app.ledger.seen.lock().unwrap().last().unwrap()["by_operator"],
        true
    );
    let of_refund = format!("/transactions/{}/refunds", refund.json()["id"].as_str().unwrap());
    let again = app.ask_as_operator(&of_refund, &json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (422, "not_refundable"));
}

#[sqlx::test]
async fn money_is_taken_outside_where_that_is_allowed(pool: PgPool) {
    let app = App::new(pool.clone()).await;
    let user = Uuid::now_v7();
    let body = json!({ "account_id": Uuid::from_u128(1), "amount": part(70)["amount"] });
    let made = app.ask(user, "/withdrawals", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    assert_eq!(
        (&made["kind"], &made["to_account_id"], &made["to_user_id"]),
        (&json!("withdrawal"), &Value::Null, &json!(user))
    );
    let event: Value = sqlx::query_scalar("select data from outbox")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(
        (&event["to_account_id"], &event["from_user_id"]),
        (&json!(OUTSIDE), &json!(user))
    );

    let strict = App::with(
        pool,
        Config {
            sandbox_top_up: false,
        },
    )
    .await;
    let refused = strict.ask(user, "/withdrawals", &body).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "withdrawal_not_allowed")
    );
    assert_eq!(strict.ask_as_operator("/withdrawals", &body).await.status, 201);
}
