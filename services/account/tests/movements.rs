//! `POST /internal/postings`: withdrawals, holds and their ends, fees, refunds, atomic batches, limits.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, deposit, end_of, eur, hold, transfer};

fn codes(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .filter_map(|result| result["code"].as_str().or(result["outcome"].as_str()))
        .collect()
}

async fn post_one(app: &App, posting: Value) -> Value {
    app.post(&[posting]).await.remove(0)
}

#[sqlx::test]
async fn a_withdrawal_goes_to_the_external_account(pool: PgPool) {
    let app = App::new(pool);
    let payer = app.holder(100).await;
    let withdrawal = json!({ "posting_id": Uuid::now_v7(), "kind": "withdrawal", "initiator_user_id": payer.user,
        "from_account_id": payer.account, "amount": eur(70) });
    let result = post_one(&app, withdrawal.clone()).await;
    assert_eq!(
        (&result["outcome"], &result["to"]["user_id"]),
        (&json!("applied"), &Value::Null)
    );
    assert_eq!(result["entries"][1]["amount_minor"], 70);
    assert_eq!(
        post_one(&app, withdrawal).await,
        result,
        "a repeat gets the first result"
    );
    assert_eq!(app.balance(&payer).await, 30);
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_merchant_pays_a_fee_out_of_what_it_receives(pool: PgPool) {
    let app = App::new(pool);
    let (payer, shop) = (app.holder(10_000).await, app.holder_of("merchant", 0).await);
    let sale = transfer(Uuid::now_v7(), &payer, &shop, 10_000);
    let result = post_one(&app, sale.clone()).await;
    let amounts: Vec<_> = result["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["amount_minor"].as_i64().unwrap())
        .collect();
    assert_eq!(amounts, [-10_000, 10_000, -50, 50]);
    assert_eq!((app.balance(&payer).await, app.balance(&shop).await), (0, 9_950));
    assert_eq!(post_one(&app, sale).await, result, "a repeat says the same legs");
    let refund = json!({ "posting_id": Uuid::now_v7(), "kind": "refund", "initiator_user_id": shop.user,
        "from_account_id": shop.account, "to_account_id": payer.account, "amount": eur(9_000) });
    assert_eq!(
        post_one(&app, refund).await["entries"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        (app.balance(&payer).await, app.balance(&shop).await),
        (9_000, 950)
    );
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_hold_is_captured_in_part_and_the_rest_is_released(pool: PgPool) {
    let app = App::new(pool);
    let (payer, shop) = (app.holder(100).await, app.holder_of("merchant", 0).await);
    let id = Uuid::now_v7();
    let result = post_one(&app, hold(id, &payer, &shop, 80, 3600)).await;
    assert_eq!(
        (&result["outcome"], &result["entries"]),
        (&json!("applied"), &json!([]))
    );
    assert_eq!((app.balance(&payer).await, app.held(&payer).await), (100, 80));
    let capture = end_of(Uuid::now_v7(), "capture", id, shop.user, 30);
    let results = app
        .post(&[
            transfer(Uuid::now_v7(), &payer, &shop, 21),
            end_of(Uuid::now_v7(), "capture", id, shop.user, 81),
            end_of(Uuid::now_v7(), "capture", id, payer.user, 30),
            end_of(Uuid::now_v7(), "capture", Uuid::now_v7(), shop.user, 30),
            end_of(Uuid::now_v7(), "expiry", id, shop.user, 80),
            capture.clone(),
            end_of(Uuid::now_v7(), "void", id, shop.user, 80),
        ])
        .await;
    assert_eq!(
        codes(&results),
        [
            "insufficient_funds",
            "capture_exceeds_hold",
            "hold_not_found",
            "hold_not_found",
            "hold_not_expired",
            "applied",
            "hold_ended"
        ]
    );
    assert_eq!(post_one(&app, capture).await, results[5]);
    assert_eq!(
        (
            app.balance(&payer).await,
            app.held(&payer).await,
            app.balance(&shop).await
        ),
        (70, 0, 30)
    );
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_hold_that_is_voided_or_has_expired_gives_all_back(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let (voided, expired) = (Uuid::now_v7(), Uuid::now_v7());
    app.post(&[
        hold(voided, &payer, &payee, 60, 3600),
        hold(expired, &payer, &payee, 40, 0),
    ])
    .await;
    assert_eq!(app.held(&payer).await, 100);
    let results = app
        .post(&[
            end_of(Uuid::now_v7(), "void", voided, payee.user, 60),
            end_of(Uuid::now_v7(), "capture", expired, payee.user, 40),
            end_of(Uuid::now_v7(), "expiry", expired, payer.user, 40),
        ])
        .await;
    assert_eq!(codes(&results), ["applied", "hold_expired", "applied"]);
    assert_eq!((app.balance(&payer).await, app.held(&payer).await), (100, 0));
    app.assert_sound().await;
}

#[sqlx::test]
async fn of_30_captures_and_voids_at_once_through_two_replicas_one_ends_the_hold(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let other = Arc::new(App::new(pool));
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let id = Uuid::now_v7();
    post_one(&app, hold(id, &payer, &payee, 100, 3600)).await;
    let ends = (0..30).map(|number| {
        let app = if number % 2 == 0 {
            app.clone()
        } else {
            other.clone()
        };
        let kind = if number % 3 == 0 { "void" } else { "capture" };
        let end = end_of(Uuid::now_v7(), kind, id, payee.user, 100);
        tokio::spawn(async move { post_one(&app, end).await })
    });
    let ends: Vec<_> = ends.collect();
    let mut applied = 0;
    for end in ends {
        let result = end.await.unwrap();
        if result["outcome"] == "applied" {
            applied += 1;
        } else {
            assert_eq!(result["code"], "hold_ended");
        }
    }
    assert_eq!((applied, app.held(&payer).await), (1, 0));
    app.assert_sound().await;
}

#[sqlx::test]
async fn holds_are_never_over_committed(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let other = Arc::new(App::new(pool));
    let (payer, payee) = (app.holder(500).await, app.holder(0).await);
    let holds: Vec<_> = (0..40)
        .map(|number| {
            let app = if number % 2 == 0 {
                app.clone()
            } else {
                other.clone()
            };
            let posting = if number % 4 < 2 {
                hold(Uuid::now_v7(), &payer, &payee, 100, 3600)
            } else {
                transfer(Uuid::now_v7(), &payer, &payee, 100)
            };
            tokio::spawn(async move { post_one(&app, posting).await["outcome"] == "applied" })
        })
        .collect();
    let mut applied = 0;
    for hold in holds {
        applied += i32::from(hold.await.unwrap());
    }
    assert_eq!(applied, 5);
    assert_eq!(app.balance(&payer).await, app.held(&payer).await);
    app.assert_sound().await;
}

#[sqlx::test]
async fn an_atomic_batch_is_applied_as_a_whole_or_not_at_all(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let batch = |amounts: &[i64]| {
        let postings: Vec<_> = amounts
            .iter()
            .map(|amount| transfer(Uuid::now_v7(), &payer, &payee, *amount))
            .collect();
        json!({ "atomic": true, "postings": postings })
    };
    let too_much = batch(&[50, 60, 40]);
    let first = app.post_raw(&too_much).await;
    let results = first.json["results"].as_array().unwrap();
    assert_eq!(
        codes(results),
        ["batch_refused", "insufficient_funds", "batch_refused"]
    );
    assert_eq!(app.balance(&payer).await, 100);
    assert_eq!(app.post_raw(&too_much).await.json, first.json);
    let fits = app.post_raw(&batch(&[50, 50])).await;
    assert_eq!(
        codes(fits.json["results"].as_array().unwrap()),
        ["applied", "applied"]
    );
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (0, 100));
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_thousand_postings_go_in_one_request(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(1_000).await, app.holder(0).await);
    let postings: Vec<_> = (0..1_000)
        .map(|_| transfer(Uuid::now_v7(), &payer, &payee, 1))
        .collect();
    let results = app.post(&postings).await;
    assert!(results.iter().all(|result| result["outcome"] == "applied"));
    assert_eq!(app.balance(&payee).await, 1_000);
    app.assert_sound().await;
}

#[sqlx::test]
async fn limits_of_a_movement_and_of_a_day_hold(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(1_000).await, app.holder(0).await);
    sqlx::query("update accounts set max_per_movement_minor = 50, max_per_day_minor = 80 where id = $1")
        .bind(payer.account)
        .execute(&app.pool)
        .await
        .unwrap();
    let results = app
        .post(&[
            transfer(Uuid::now_v7(), &payer, &payee, 51),
            transfer(Uuid::now_v7(), &payer, &payee, 50),
            hold(Uuid::now_v7(), &payer, &payee, 31, 60),
            hold(Uuid::now_v7(), &payer, &payee, 30, 60),
            transfer(Uuid::now_v7(), &payer, &payee, 1),
        ])
        .await;
    assert_eq!(
        codes(&results),
        [
            "movement_limit_exceeded",
            "applied",
            "daily_limit_exceeded",
            "applied",
            "daily_limit_exceeded"
        ]
    );
    sqlx::query("update accounts set spent_on = spent_on - 1")
        .execute(&app.pool)
        .await
        .unwrap();
    let next_day = post_one(&app, transfer(Uuid::now_v7(), &payer, &payee, 50)).await;
    assert_eq!(next_day["outcome"], "applied");
}

#[sqlx::test]
async fn what_a_type_does_not_do_is_refused(pool: PgPool) {
    let app = App::new(pool);
    let (payer, savings) = (app.holder(100).await, app.holder_of("savings", 100).await);
    let results = app
        .post(&[
            hold(Uuid::now_v7(), &savings, &payer, 10, 60),
            hold(Uuid::now_v7(), &payer, &savings, 10, 60),
            transfer(Uuid::now_v7(), &payer, &savings, 10),
        ])
        .await;
    assert_eq!(
        codes(&results),
        ["movement_not_allowed", "movement_not_allowed", "applied"]
    );
}

#[sqlx::test]
async fn a_posting_names_exactly_what_its_kind_is_about(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let with = |mut posting: Value, field: &str, value: Value| {
        posting[field] = value;
        posting
    };
    let sound = transfer(Uuid::now_v7(), &payer, &payee, 1);
    for posting in [
        with(sound.clone(), "hold_id", json!(Uuid::now_v7())),
        with(sound.clone(), "to_account_id", Value::Null),
        with(sound.clone(), "kind", json!("capture")),
        with(sound.clone(), "kind", json!("hold")),
        with(
            deposit(Uuid::now_v7(), payee.account, 5),
            "from_account_id",
            json!(payer.account),
        ),
    ] {
        let answer = app.post_raw(&json!({ "postings": [posting] })).await;
        assert_eq!(answer.code(), "invalid_request");
    }
    assert_eq!(app.balance(&payer).await, 100);
}
