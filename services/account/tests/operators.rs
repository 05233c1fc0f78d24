//! `/admin/accounts/{id}` with freeze, unfreeze and limits.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::{App, Holder, transfer};

async fn as_operator(app: &App, method: &str, path: String, body: Value) -> Answer {
    let token = app.issuer.token_with_roles(Uuid::now_v7(), &["operator"]);
    call(&app.router, request(method, &path, &token, &body)).await
}

async fn freeze(app: &App, id: Uuid, how: &str) -> Answer {
    as_operator(app, "POST", format!("/admin/accounts/{id}/{how}"), Value::Null).await
}

async fn limit(app: &App, id: Uuid, body: Value) -> Answer {
    as_operator(app, "PATCH", format!("/admin/accounts/{id}/limits"), body).await
}

async fn pay(app: &App, from: &Holder, to: &Holder, amount: i64) -> Value {
    let results = app.post(&[transfer(Uuid::now_v7(), from, to, amount)]).await;
    results[0]
        .get("code")
        .cloned()
        .unwrap_or_else(|| json!("applied"))
}

async fn set_closed(app: &App, id: Uuid) {
    sqlx::query("update accounts set status = 'closed' where id = $1")
        .bind(id)
        .execute(&app.pool)
        .await
        .unwrap();
}

#[sqlx::test]
async fn an_operator_sees_anybodys_account_and_whose_it_is(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(7).await;
    let shown = as_operator(
        &app,
        "GET",
        format!("/admin/accounts/{}", holder.account),
        Value::Null,
    )
    .await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.json["owner_user_id"], json!(holder.user));
    assert_eq!(shown.json["balance_minor"], 7);
}

#[sqlx::test]
async fn a_frozen_account_neither_pays_nor_receives_until_it_is_unfrozen(pool: PgPool) {
    let app = App::new(pool);
    let (frozen, other) = (app.holder(5).await, app.holder(5).await);
    for _ in 0..2 {
        let answer = freeze(&app, frozen.account, "freeze").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["status"]),
            (200, &json!("frozen"))
        );
    }
    assert_eq!(pay(&app, &frozen, &other, 1).await, "account_frozen");
    assert_eq!(pay(&app, &other, &frozen, 1).await, "account_frozen");
    for _ in 0..2 {
        let answer = freeze(&app, frozen.account, "unfreeze").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["status"]),
            (200, &json!("open"))
        );
    }
    assert_eq!(pay(&app, &frozen, &other, 1).await, "applied");
    app.assert_sound().await;
}

#[sqlx::test]
async fn limits_are_changed_one_by_one_and_maxima_lifted(pool: PgPool) {
    let app = App::new(pool);
    let (holder, other) = (app.holder(10).await, app.holder(0).await);
    let overdraft = limit(&app, holder.account, json!({ "limit_minor": -5 })).await;
    assert_eq!(overdraft.json["limit_minor"], -5);
    assert_eq!(overdraft.json["max_per_movement_minor"], 100_000_000);
    assert_eq!(pay(&app, &holder, &other, 15).await, "applied");
    assert_eq!(pay(&app, &holder, &other, 1).await, "insufficient_funds");
    let lifted = limit(
        &app,
        holder.account,
        json!({ "max_per_movement_minor": null, "max_per_day_minor": 20 }),
    )
    .await;
    assert_eq!(
        (
            &lifted.json["max_per_movement_minor"],
            &lifted.json["max_per_day_minor"]
        ),
        (&Value::Null, &json!(20))
    );
    let mine = app
        .get(&format!("/accounts/{}", holder.account), &holder.token)
        .await
        .json;
    assert_eq!(
        (&mine["available_minor"], &mine["limit_minor"]),
        (&json!(-5), &json!(-5))
    );
    assert_eq!(mine["max_per_day_minor"], 20);
}

#[sqlx::test]
async fn a_limit_above_what_is_available_now_is_refused(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(10).await;
    sqlx::query("update accounts set held_minor = 4 where id = $1")
        .bind(holder.account)
        .execute(&app.pool)
        .await
        .unwrap();
    let refused = limit(&app, holder.account, json!({ "limit_minor": 7 })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "limit_not_met"));
    assert_eq!(
        limit(&app, holder.account, json!({ "limit_minor": 6 }))
            .await
            .status,
        200
    );
    for bad in [
        json!({ "limit_minor": null }),
        json!({ "limit_minor": i64::MIN }),
        json!({ "max_per_day_minor": 0 }),
        json!({ "max_per_movement_minor": -1 }),
        json!({ "balance_minor": 5 }),
    ] {
        assert_eq!(
            limit(&app, holder.account, bad.clone()).await.code(),
            "invalid_request",
            "{bad}"
        );
    }
}

#[sqlx::test]
async fn closed_accounts_stay_as_they_are_and_system_accounts_are_nobodys(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    set_closed(&app, holder.account).await;
    let system: Uuid =
        sqlx::query_scalar("select id from accounts where type = 'external' and currency = 'EUR'")
            .fetch_one(&app.pool)
            .await
            .unwrap();
    for (id, refusal) in [
        (holder.account, (409, "account_closed")),
        (system, (404, "account_not_found")),
    ] {
        for answer in [
            freeze(&app, id, "freeze").await,
            freeze(&app, id, "unfreeze").await,
            limit(&app, id, json!({ "limit_minor": 0 })).await,
        ] {
            assert_eq!((answer.status.as_u16(), answer.code()), refusal);
        }
    }
    let shown = as_operator(&app, "GET", format!("/admin/accounts/{system}"), Value::Null).await;
    assert_eq!(shown.code(), "account_not_found");
}
