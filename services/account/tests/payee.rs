//! `POST /internal/payee`.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::App;

async fn payee(app: &App, user: Uuid, currency: &str) -> Answer {
    let token = app
        .issuer
        .service_token("transaction", "account", "accounts:resolve");
    let body = json!({ "user_id": user, "currency": currency });
    call(&app.router, request("POST", "/internal/payee", &token, &body)).await
}

async fn open(app: &App, token: &str, kind: &str, currency: &str) -> Value {
    let body = json!({ "type": kind, "currency": currency });
    let opened = call(&app.router, request("POST", "/accounts", token, &body)).await;
    assert_eq!(opened.status, 201);
    opened.json["id"].clone()
}

async fn change(app: &App, statement: &'static str, id: &Value) {
    sqlx::query(statement)
        .bind(id.as_str().unwrap().parse::<Uuid>().unwrap())
        .execute(&app.pool)
        .await
        .unwrap();
}

#[sqlx::test]
async fn the_default_account_gets_it_else_the_oldest_that_can(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    let older = open(&app, &holder.token, "savings", "EUR").await;
    let newer = open(&app, &holder.token, "current", "EUR").await;
    let dollars = open(&app, &holder.token, "current", "USD").await;
    let default = json!(holder.account);
    assert_eq!(payee(&app, holder.user, "EUR").await.json["account_id"], default);
    assert_eq!(payee(&app, holder.user, "USD").await.json["account_id"], dollars);
    change(
        &app,
        "update accounts set status = 'frozen' where id = $1",
        &default,
    )
    .await;
    assert_eq!(payee(&app, holder.user, "EUR").await.json["account_id"], older);
    change(
        &app,
        "update accounts set status = 'closed' where id = $1",
        &older,
    )
    .await;
    assert_eq!(payee(&app, holder.user, "EUR").await.json["account_id"], newer);
    sqlx::query("update account_types set receives = '{}' where type = 'current' and currency = 'EUR'")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(payee(&app, holder.user, "EUR").await.code(), "account_not_found");
}

#[sqlx::test]
async fn for_who_has_no_account_none_is_opened(pool: PgPool) {
    let app = App::new(pool);
    let (stranger, holder) = (Uuid::now_v7(), app.holder(0).await);
    for (user, currency) in [(stranger, "EUR"), (holder.user, "CHF")] {
        let answer = payee(&app, user, currency).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (404, "account_not_found")
        );
    }
    assert_eq!(payee(&app, holder.user, "eur").await.code(), "invalid_request");
    let accounts: i64 = sqlx::query_scalar("select count(*) from accounts where owner_user_id = $1")
        .bind(stranger)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(accounts, 0);
}
