//! `POST /internal/erase`.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::{App, Holder, top_up, transfer};

async fn erase_as(app: &App, token: &str, body: &Value) -> Answer {
    call(&app.router, request("POST", "/internal/erase", token, body)).await
}

async fn erase(app: &App, user: Uuid) -> Answer {
    let token = app.issuer.service_token("gateway", "account", "erase");
    erase_as(app, &token, &json!({ "user_id": user })).await
}

/// Opens another account for a user.
async fn open_second(app: &App, user: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into accounts (id, owner_user_id, type, currency, name, limit_minor)
         values ($1, $2, 'current', 'EUR', 'For the wedding of Ada', 0)",
    )
    .bind(id)
    .bind(user)
    .execute(&app.pool)
    .await
    .unwrap();
    id
}

async fn set(app: &App, holder: &Holder, assignment: &'static str) {
    sqlx::query(assignment)
        .bind(holder.account)
        .execute(&app.pool)
        .await
        .unwrap();
}

/// Status and name of each account of a user.
async fn accounts_of(app: &App, holder: &Holder) -> Vec<(String, String)> {
    let accounts = app.get("/accounts", &holder.token).await.json;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = accounts["items"].as_array().unwrap();
    items
        .iter()
        .map(|account| (text(&account["status"]), text(&account["name"])))
        .collect()
}

fn closed() -> (String, String) {
    ("closed".to_owned(), "closed".to_owned())
}

#[sqlx::test]
async fn all_accounts_of_an_erased_user_are_closed_and_nameless(pool: PgPool) {
    let app = App::new(pool);
    let (user, other) = (app.holder(0).await, app.holder(0).await);
    open_second(&app, user.user).await;
    for _ in 0..2 {
        assert_eq!(erase(&app, user.user).await.status, 204);
        assert_eq!(accounts_of(&app, &user).await, [closed(), closed()]);
    }
    assert_eq!(accounts_of(&app, &other).await[0].0, "open");
}

#[sqlx::test]
async fn one_account_with_money_keeps_all_open(pool: PgPool) {
    let app = App::new(pool);
    let user = app.holder(0).await;
    let second = open_second(&app, user.user).await;
    app.post(&[top_up(Uuid::now_v7(), user.user, second, 1)]).await;
    let before = accounts_of(&app, &user).await;
    let answer = erase(&app, user.user).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (409, "account_not_empty")
    );
    assert_eq!(accounts_of(&app, &user).await, before);
    app.assert_sound().await;
}

#[sqlx::test]
async fn an_account_with_a_hold_stays_open_until_the_hold_is_gone(pool: PgPool) {
    let app = App::new(pool);
    let user = app.holder(0).await;
    // A limit below zero, so that the hold is all that there is.
    set(
        &app,
        &user,
        "update accounts set limit_minor = -5, held_minor = 5 where id = $1",
    )
    .await;
    assert_eq!(erase(&app, user.user).await.code(), "account_not_empty");
    set(&app, &user, "update accounts set held_minor = 0 where id = $1").await;
    assert_eq!(erase(&app, user.user).await.status, 204);
}

#[sqlx::test]
async fn a_frozen_account_is_closed_only_at_zero(pool: PgPool) {
    let app = App::new(pool);
    let (rich, poor) = (app.holder(1).await, app.holder(0).await);
    for holder in [&rich, &poor] {
        set(
            &app,
            holder,
            "update accounts set status = 'frozen' where id = $1",
        )
        .await;
    }
    assert_eq!(erase(&app, rich.user).await.code(), "account_not_empty");
    assert_eq!(erase(&app, poor.user).await.status, 204);
    assert_eq!(accounts_of(&app, &poor).await, [closed()]);
}

#[sqlx::test]
async fn an_erased_user_gets_no_other_account_and_no_money(pool: PgPool) {
    let app = App::new(pool);
    let (payer, known) = (app.holder(5).await, app.holder(0).await);
    assert_eq!(erase(&app, known.user).await.status, 204);
    assert_eq!(app.provision(known.user).await.status, 200);
    assert_eq!(accounts_of(&app, &known).await, [closed()]);
    let results = app
        .post(&[
            transfer(Uuid::now_v7(), &payer, &known, 1),
            transfer(Uuid::now_v7(), &known, &payer, 1),
            top_up(Uuid::now_v7(), known.user, known.account, 1),
        ])
        .await;
    assert!(
        results.iter().all(|result| result["code"] == "account_closed"),
        "{results:?}"
    );
    assert_eq!(app.balance(&payer).await, 5);
}

#[sqlx::test]
async fn a_user_who_never_had_an_account_gets_no_open_one_after_the_erasure(pool: PgPool) {
    let app = App::new(pool);
    let user = Uuid::now_v7();
    let (erased, provisioned) = tokio::join!(erase(&app, user), app.provision(user));
    assert_eq!((erased.status.as_u16(), provisioned.status.as_u16()), (204, 200));
    let accounts = app.get("/accounts", &app.issuer.user_token(user)).await.json;
    let items = accounts["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["status"]), (1, &json!("closed")));
}

/// Sends money to somebody else and gets it back, again and again, and keeps nothing in the end. Their account is empty
/// only while the money is on its way back.
async fn send_and_get_back(app: Arc<App>, leaver: Arc<Holder>, other: Arc<Holder>) {
    let mut postings = vec![transfer(Uuid::now_v7(), &leaver, &other, 3)];
    for _ in 0..15 {
        postings.push(transfer(Uuid::now_v7(), &other, &leaver, 3));
        postings.push(transfer(Uuid::now_v7(), &leaver, &other, 3));
    }
    for posting in postings {
        let result = app.post(&[posting]).await.remove(0);
        let code = result["code"].as_str().unwrap_or("applied");
        assert!(["applied", "account_closed"].contains(&code), "{result}");
    }
}

/// Asks until there is nothing left that keeps the user.
async fn erase_until_it_is_done(app: Arc<App>, leaver: Arc<Holder>) {
    loop {
        let answer = erase(&app, leaver.user).await;
        if answer.status == 204 {
            return;
        }
        assert_eq!(answer.code(), "account_not_empty");
    }
}

#[sqlx::test]
async fn however_erasures_and_postings_race_no_closed_account_has_money(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    // A second replica, whose ledger has a queue of its own.
    let other = Arc::new(App::new(pool));
    let stays = Arc::new(app.holder(0).await);
    let mut leavers = Vec::new();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let leaver = Arc::new(app.holder(3).await);
        let sending = send_and_get_back(app.clone(), leaver.clone(), stays.clone());
        tasks.push(tokio::spawn(sending));
        for replica in [&app, &other] {
            let erasing = erase_until_it_is_done(replica.clone(), leaver.clone());
            tasks.push(tokio::spawn(erasing));
        }
        leavers.push(leaver);
    }
    for task in tasks {
        task.await.unwrap();
    }
    for leaver in &leavers {
        assert_eq!(app.balance(leaver).await, 0);
        assert_eq!(accounts_of(&app, leaver).await, [closed()]);
    }
    assert_eq!(app.balance(&stays).await, 8 * 3);
    app.assert_sound().await;
}

#[sqlx::test]
async fn only_the_gateway_erases(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(0).await;
    let body = json!({ "user_id": holder.user });
    let token = |caller, scope| app.issuer.service_token(caller, "account", scope);
    for (token, code) in [
        (token("transaction", "erase"), "forbidden"),
        (token("gateway", "provision"), "forbidden"),
        (holder.token.clone(), "invalid_token"),
        (String::new(), "missing_token"),
    ] {
        assert_eq!(erase_as(&app, &token, &body).await.code(), code);
    }
    for bad in [json!({}), json!({ "user_id": "ada" })] {
        let answer = erase_as(&app, &token("gateway", "erase"), &bad).await;
        assert_eq!(answer.code(), "invalid_request");
    }
    assert_eq!(accounts_of(&app, &holder).await[0].0, "open");
}
