//! `GET /account-types`, `POST /accounts`, `PATCH /accounts/{id}` and `POST /accounts/{id}/close`.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use uuid::Uuid;

use crate::support::{App, Holder, top_up, transfer};

/// A UUID of version 4, as browsers make them.
fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(Uuid::now_v7().into_bytes()).into_uuid()
}

async fn send(app: &App, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    call(&app.router, request(method, path, token, body)).await
}

async fn open(app: &App, token: &str, body: Value) -> Answer {
    send(app, "POST", "/accounts", token, &body).await
}

/// Opens a savings account and gives it as a holder's own.
async fn savings(app: &App, holder: &Holder) -> Holder {
    let opened = open(
        app,
        &holder.token,
        json!({ "type": "savings", "currency": "EUR" }),
    )
    .await;
    assert_eq!(opened.status, 201, "{:?}", opened.json);
    Holder {
        user: holder.user,
        account: id_of(&opened.json),
        token: holder.token.clone(),
    }
}

fn id_of(account: &Value) -> Uuid {
    account["id"].as_str().unwrap().parse().unwrap()
}

async fn change(app: &App, holder: &Holder, body: Value) -> Answer {
    let path = format!("/accounts/{}", holder.account);
    send(app, "PATCH", &path, &holder.token, &body).await
}

async fn close(app: &App, holder: &Holder) -> Answer {
    let path = format!("/accounts/{}/close", holder.account);
    send(app, "POST", &path, &holder.token, &Value::Null).await
}

async fn accounts_of(app: &App, token: &str) -> Vec<Value> {
    let accounts = app.get("/accounts", token).await;
    accounts.json["items"].as_array().unwrap().clone()
}

#[sqlx::test]
async fn the_offered_types_are_listed_with_their_rules(pool: PgPool) {
    let app = App::new(pool);
    let types = app
        .get("/account-types", &app.issuer.user_token(Uuid::now_v7()))
        .await;
    let items = types.json["items"].as_array().unwrap();
    let merchant = items
        .iter()
        .find(|item| item["type"] == "merchant" && item["currency"] == "EUR")
        .unwrap();
    assert_eq!(merchant["fee_basis_points"], 50);
    assert_eq!(merchant["limit_minor"], 0);
    assert_eq!(merchant["max_per_movement_minor"], Value::Null);
    assert_eq!(merchant["pays"], json!(["transfer", "withdrawal", "refund"]));
    assert!(
        items
            .iter()
            .all(|item| item["type"] != "external" && item["type"] != "fees")
    );
}

#[sqlx::test]
async fn each_type_that_everybody_gets_is_opened_once_and_the_first_is_the_default(pool: PgPool) {
    sqlx::query(
        "update account_types set opened_at_first_login = true
         where (type, currency) in (('savings', 'CHF'), ('current', 'USD'))",
    )
    .execute(&pool)
    .await
    .unwrap();
    let app = App::new(pool);
    let user = Uuid::now_v7();
    let token = app.issuer.user_token(user);
    let (a, b, c) = tokio::join!(
        app.provision(user),
        app.provision(user),
        app.get("/accounts", &token)
    );
    for answer in [a, b, c] {
        assert_eq!(answer.status, 200);
    }
    let accounts = accounts_of(&app, &token).await;
    let seen: Vec<_> = accounts
        .iter()
        .map(|account| {
            let text = |field: &str| account[field].as_str().unwrap().to_owned();
            (text("type"), text("currency"), account["is_default"] == true)
        })
        .collect();
    let expected =
        |kind: &str, currency: &str, is_default| (kind.to_owned(), currency.to_owned(), is_default);
    assert_eq!(
        seen,
        [
            expected("current", "EUR", true),
            expected("current", "USD", false),
            expected("savings", "CHF", false),
        ]
    );
    assert_eq!(accounts[0]["max_per_movement_minor"], 100_000_000);
    assert_eq!(accounts[0]["limit_minor"], 0);
}

#[sqlx::test]
async fn a_type_that_everybody_gets_later_comes_with_the_next_login_but_not_to_the_erased(pool: PgPool) {
    let app = App::new(pool);
    let (stays, leaves) = (app.holder(0).await, app.holder(0).await);
    let token = app.issuer.service_token("gateway", "account", "erase");
    let erased = send(
        &app,
        "POST",
        "/internal/erase",
        &token,
        &json!({ "user_id": leaves.user }),
    )
    .await;
    assert_eq!(erased.status, 204);
    sqlx::query(
        "update account_types set opened_at_first_login = true where type = 'savings' and currency = 'EUR'",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    for holder in [&stays, &leaves] {
        app.provision(holder.user).await;
    }
    assert_eq!(accounts_of(&app, &stays.token).await.len(), 2);
    assert_eq!(accounts_of(&app, &leaves.token).await.len(), 1);
    let opened = open(
        &app,
        &leaves.token,
        json!({ "type": "current", "currency": "EUR" }),
    )
    .await;
    assert_eq!((opened.status.as_u16(), opened.code()), (409, "account_closed"));
}

#[sqlx::test]
async fn an_account_is_opened_with_the_rules_of_its_type(pool: PgPool) {
    let app = App::new(pool);
    let token = app.issuer.user_token(Uuid::now_v7());
    let body = json!({ "type": "merchant", "currency": "JPY", "name": " The shop " });
    let opened = open(&app, &token, body).await;
    assert_eq!(opened.status, 201);
    assert_eq!(opened.json["name"], "The shop");
    assert_eq!(opened.json["max_per_day_minor"], Value::Null);
    assert_eq!(opened.json["is_default"], false, "the one of the first login is");
    let nameless = open(&app, &token, json!({ "type": "savings", "currency": "USD" })).await;
    assert_eq!(nameless.json["name"], "Savings account");
    assert_eq!(accounts_of(&app, &token).await.len(), 3);
}

#[sqlx::test]
async fn what_is_not_offered_is_not_opened(pool: PgPool) {
    let app = App::new(pool);
    let token = app.issuer.user_token(Uuid::now_v7());
    for (kind, currency) in [
        ("external", "EUR"),
        ("fees", "EUR"),
        ("gold", "EUR"),
        ("current", "XXX"),
        ("current", "eur"),
    ] {
        let answer = open(&app, &token, json!({ "type": kind, "currency": currency })).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (422, "account_type_not_offered")
        );
    }
    for bad in [
        json!({ "type": "current", "currency": "EUR", "name": " " }),
        json!({ "type": "current", "currency": "EUR", "name": "two\nlines" }),
        json!({ "type": "current", "currency": "EUR", "name": "x".repeat(61) }),
        json!({ "type": "current", "currency": "EUR", "id": Uuid::nil() }),
        json!({ "type": "current", "currency": "EUR", "id": Uuid::from_u128(7) }),
        json!({ "type": "current", "currency": "EUR", "limit_minor": -5 }),
        json!({ "type": "current" }),
    ] {
        assert_eq!(
            open(&app, &token, bad.clone()).await.code(),
            "invalid_request",
            "{bad}"
        );
    }
}

#[sqlx::test]
async fn a_repeat_with_the_same_id_opens_nothing_more(pool: PgPool) {
    let app = App::new(pool);
    let (user, stranger) = (app.holder(0).await, app.holder(0).await);
    let body = json!({ "id": random_id(), "type": "savings", "currency": "EUR", "name": "For a boat" });
    let (first, second) = tokio::join!(
        open(&app, &user.token, body.clone()),
        open(&app, &user.token, body.clone())
    );
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.json, second.json);
    assert_eq!(accounts_of(&app, &user.token).await.len(), 2);
    let other = json!({ "id": body["id"], "type": "savings", "currency": "USD" });
    assert_eq!(open(&app, &user.token, other).await.code(), "account_exists");
    let theirs = open(&app, &stranger.token, body.clone()).await;
    assert_eq!((theirs.status.as_u16(), theirs.code()), (409, "account_exists"));
    let (id, one) = (random_id(), json!({ "type": "savings", "currency": "EUR" }));
    let mut same = one.clone();
    same["id"] = json!(id);
    let (mine, theirs) = tokio::join!(
        open(&app, &user.token, same.clone()),
        open(&app, &stranger.token, same)
    );
    let mut statuses = [mine.status.as_u16(), theirs.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "one id, two users at once");
}

#[sqlx::test]
async fn however_many_are_opened_at_once_a_user_has_twenty_at_most(pool: PgPool) {
    let app = Arc::new(App::new(pool));
    let holder = app.holder(0).await;
    let mut tasks = Vec::new();
    for _ in 0..30 {
        let (app, token) = (app.clone(), holder.token.clone());
        tasks.push(tokio::spawn(async move {
            open(&app, &token, json!({ "type": "savings", "currency": "EUR" })).await
        }));
    }
    let (mut opened, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == 201 {
            opened.push(id_of(&answer.json));
        } else {
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (409, "too_many_accounts")
            );
            refused += 1;
        }
    }
    assert_eq!((opened.len(), refused), (19, 11), "one was there before");
    // A closed one makes room.
    let one = Holder {
        account: opened[0],
        ..holder
    };
    assert_eq!(close(&app, &one).await.status, 200);
    savings(&app, &one).await;
    let again = open(&app, &one.token, json!({ "type": "savings", "currency": "EUR" })).await;
    assert_eq!(again.code(), "too_many_accounts");
}

#[sqlx::test]
async fn an_account_is_renamed_by_its_owner_only(pool: PgPool) {
    let app = App::new(pool);
    let (holder, stranger) = (app.holder(0).await, app.holder(0).await);
    let renamed = change(&app, &holder, json!({ "name": "Daily" })).await;
    assert_eq!(
        (renamed.status.as_u16(), &renamed.json["name"]),
        (200, &json!("Daily"))
    );
    assert_eq!(change(&app, &holder, json!({})).await.json, renamed.json);
    let theirs = Holder {
        account: holder.account,
        ..stranger
    };
    assert_eq!(
        change(&app, &theirs, json!({ "name": "Mine" })).await.code(),
        "account_not_found"
    );
    for bad in [
        json!({ "name": null }),
        json!({ "name": "" }),
        json!({ "is_default": false }),
        json!({ "type": "savings" }),
    ] {
        assert_eq!(
            change(&app, &holder, bad.clone()).await.code(),
            "invalid_request",
            "{bad}"
        );
    }
}

#[sqlx::test]
async fn the_default_moves_and_there_is_always_one(pool: PgPool) {
    let app = App::new(pool);
    let first = app.holder(0).await;
    let (second, third) = (savings(&app, &first).await, savings(&app, &first).await);
    for holder in [&second, &second, &first] {
        let moved = change(&app, holder, json!({ "is_default": true })).await;
        assert_eq!(
            (moved.status.as_u16(), &moved.json["is_default"]),
            (200, &json!(true))
        );
    }
    for _ in 0..5 {
        let (a, b, c) = tokio::join!(
            change(&app, &first, json!({ "is_default": true })),
            change(&app, &second, json!({ "is_default": true })),
            change(&app, &third, json!({ "is_default": true }))
        );
        for answer in [a, b, c] {
            assert_eq!(answer.status, 200);
        }
        let accounts = accounts_of(&app, &first.token).await;
        assert_eq!(
            accounts
                .iter()
                .filter(|account| account["is_default"] == true)
                .count(),
            1
        );
    }
}

#[sqlx::test]
async fn an_account_is_closed_at_zero_and_stays_closed(pool: PgPool) {
    let app = App::new(pool);
    let main = app.holder(0).await;
    let spare = savings(&app, &main).await;
    app.post(&[top_up(Uuid::now_v7(), spare.user, spare.account, 5)])
        .await;
    let full = close(&app, &spare).await;
    assert_eq!((full.status.as_u16(), full.code()), (409, "account_not_empty"));
    app.post(&[transfer(Uuid::now_v7(), &spare, &main, 5)]).await;
    let default = close(&app, &main).await;
    assert_eq!(
        (default.status.as_u16(), default.code()),
        (409, "account_is_default")
    );
    let closed = close(&app, &spare).await;
    assert_eq!(
        (closed.status.as_u16(), &closed.json["status"]),
        (200, &json!("closed"))
    );
    assert_eq!(close(&app, &spare).await.json, closed.json);
    for body in [json!({ "name": "Again" }), json!({ "is_default": true })] {
        let refused = change(&app, &spare, body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "account_closed"));
    }
    let stranger = Holder {
        account: spare.account,
        ..app.holder(0).await
    };
    assert_eq!(close(&app, &stranger).await.code(), "account_not_found");
}

#[sqlx::test]
async fn making_an_account_the_default_and_closing_it_exclude_each_other(pool: PgPool) {
    let app = App::new(pool);
    let first = app.holder(0).await;
    for _ in 0..8 {
        let second = savings(&app, &first).await;
        let (closed, moved) = tokio::join!(
            close(&app, &second),
            change(&app, &second, json!({ "is_default": true }))
        );
        let outcome = (closed.status.as_u16(), moved.status.as_u16());
        assert!(outcome == (200, 409) || outcome == (409, 200), "{outcome:?}");
        change(&app, &first, json!({ "is_default": true })).await;
    }
}

#[sqlx::test]
async fn however_closing_and_postings_race_no_closed_account_has_money(pool: PgPool) {
    let app = App::new(pool);
    let payer = app.holder(100).await;
    for _ in 0..10 {
        let target = savings(&app, &payer).await;
        let (results, closing) = tokio::join!(
            async { app.post(&[transfer(Uuid::now_v7(), &payer, &target, 1)]).await },
            close(&app, &target)
        );
        if results[0]["outcome"] == "applied" {
            assert_eq!(closing.code(), "account_not_empty");
            app.post(&[transfer(Uuid::now_v7(), &target, &payer, 1)]).await;
            assert_eq!(close(&app, &target).await.status, 200);
        } else {
            assert_eq!(results[0]["code"], "account_closed");
            assert_eq!(closing.status, 200);
        }
    }
    assert_eq!(app.balance(&payer).await, 100);
    app.assert_sound().await;
}
