//! `POST /top-ups`.

use serde_json::{Value, json};
use sqlx::PgPool;
use transaction::config::Config;
use uuid::Uuid;

use crate::support::App;

fn top_up(amount: i64) -> Value {
    json!({ "account_id": Uuid::from_u128(2), "amount": { "amount_minor": amount, "currency": "EUR" } })
}

#[sqlx::test]
async fn a_user_tops_up_an_own_account_where_the_sandbox_is_on(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let made = app
        .send("/top-ups", &app.issuer.user_token(user), Some("k"), &top_up(500))
        .await;
    assert_eq!((made.status, &made.json()["kind"]), (201, &"top_up".into()));
    assert_eq!(made.json()["from_account_id"], Value::Null);
    let posting = app.ledger.seen.lock().unwrap()[0].clone();
    assert_eq!(
        (&posting["kind"], &posting["initiator_user_id"]),
        (&"top_up".into(), &json!(user))
    );
    let event: Value = sqlx::query_scalar("select data from outbox")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(
        (&event["kind"], &event["from_user_id"]),
        (&"top_up".into(), &Value::Null)
    );
}

#[sqlx::test]
async fn elsewhere_only_operators_top_up_and_reach_any_account(pool: PgPool) {
    let app = App::with(
        pool,
        Config {
            sandbox_top_up: false,
        },
    )
    .await;
    let refused = app
        .send(
            "/top-ups",
            &app.issuer.user_token(Uuid::now_v7()),
            Some("k"),
            &top_up(500),
        )
        .await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "top_up_not_allowed")
    );
    assert_eq!(app.count("transactions").await, 0);

    let operator = app.issuer.token_with_roles(Uuid::now_v7(), &["user", "operator"]);
    assert_eq!(
        app.send("/top-ups", &operator, Some("k"), &top_up(500))
            .await
            .status,
        201
    );
    assert_eq!(app.ledger.seen.lock().unwrap()[0]["kind"], "deposit");
    assert_eq!(
        app.send("/top-ups", &operator, Some("k2"), &top_up(0))
            .await
            .code(),
        "invalid_amount"
    );
}
