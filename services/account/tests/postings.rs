//! `POST /internal/postings`.

use std::sync::Arc;

use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, eur, top_up, transfer};

#[sqlx::test]
async fn a_transfer_moves_both_legs(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let id = Uuid::now_v7();
    let results = app.post(&[transfer(id, &payer, &payee, 60)]).await;
    assert_eq!(
        results,
        [json!({ "posting_id": id, "outcome": "applied",
            "entries": [{ "account_id": payer.account, "amount_minor": -60 }, { "account_id": payee.account, "amount_minor": 60 }],
            "from": { "account_id": payer.account, "user_id": payer.user, "balance_minor": 40 },
            "to": { "account_id": payee.account, "user_id": payee.user, "balance_minor": 60 } })]
    );
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (40, 60));
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_refusal_refuses_its_posting_alone(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let mut foreign = transfer(Uuid::now_v7(), &payer, &payee, 1);
    foreign["initiator_user_id"] = json!(payee.user);
    let mut unknown = transfer(Uuid::now_v7(), &payer, &payee, 1);
    unknown["to_account_id"] = json!(Uuid::now_v7());
    let mut dollars = transfer(Uuid::now_v7(), &payer, &payee, 1);
    dollars["amount"]["currency"] = json!("USD");
    let mut to_self = transfer(Uuid::now_v7(), &payer, &payee, 1);
    to_self["to_account_id"] = json!(payer.account);
    let others_top_up = top_up(Uuid::now_v7(), payer.user, payee.account, 5);
    let results = app
        .post(&[
            transfer(Uuid::now_v7(), &payer, &payee, 70),
            transfer(Uuid::now_v7(), &payer, &payee, 31),
            transfer(Uuid::now_v7(), &payer, &payee, 0),
            transfer(Uuid::now_v7(), &payer, &payee, i64::MIN),
            transfer(Uuid::now_v7(), &payer, &payee, i64::MAX),
            foreign,
            unknown,
            dollars,
            to_self,
            others_top_up,
            transfer(Uuid::now_v7(), &payer, &payee, 30),
        ])
        .await;
    let codes: Vec<_> = results
        .iter()
        .map(|result| result["code"].as_str().unwrap_or("applied"))
        .collect();
    assert_eq!(
        codes,
        [
            "applied",
            "insufficient_funds",
            "invalid_amount",
            "invalid_amount",
            "insufficient_funds",
            "account_not_found",
            "account_not_found",
            "currency_mismatch",
            "same_account",
            "account_not_found",
            "applied",
        ]
    );
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (0, 100));
    app.assert_sound().await;
}

#[sqlx::test]
async fn frozen_accounts_neither_pay_nor_receive(pool: PgPool) {
    let app = App::new(pool);
    let (frozen, open) = (app.holder(100).await, app.holder(100).await);
    sqlx::query("update accounts set status = 'frozen' where id = $1")
        .bind(frozen.account)
        .execute(&app.pool)
        .await
        .unwrap();
    let results = app
        .post(&[
            transfer(Uuid::now_v7(), &frozen, &open, 1),
            transfer(Uuid::now_v7(), &open, &frozen, 1),
        ])
        .await;
    assert!(
        results.iter().all(|result| result["code"] == "account_frozen"),
        "{results:?}"
    );
}

#[sqlx::test]
async fn a_repeat_gets_the_first_result_also_a_refusal(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let applied = transfer(Uuid::now_v7(), &payer, &payee, 100);
    let refused = transfer(Uuid::now_v7(), &payer, &payee, 1);
    let first = app.post(&[applied.clone(), refused.clone()]).await;
    app.post(&[top_up(Uuid::now_v7(), payer.user, payer.account, 50)])
        .await;
    // In one batch, in others, and twice within one.
    assert_eq!(app.post(&[applied.clone(), refused.clone()]).await, first);
    assert_eq!(
        app.post(&[applied.clone(), applied.clone()]).await,
        [first[0].clone(), first[0].clone()]
    );
    let mut other = applied.clone();
    other["amount"] = eur(99);
    assert_eq!(app.post(&[other]).await[0]["code"], "posting_id_reused");
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (50, 100));
    app.assert_sound().await;
}

#[sqlx::test]
async fn of_50_parallel_debits_with_funds_for_5_exactly_5_pass(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    // A second replica, with a queue of its own, races for the same account.
    let other = Arc::new(App::new(pool));
    let (payer, payee) = (Arc::new(app.holder(500).await), Arc::new(app.holder(0).await));
    let mut debits = Vec::new();
    for number in 0..50 {
        let (app, payer, payee) = (
            if number % 2 == 0 {
                app.clone()
            } else {
                other.clone()
            },
            payer.clone(),
            payee.clone(),
        );
        debits.push(tokio::spawn(async move {
            app.post(&[transfer(Uuid::now_v7(), &payer, &payee, 100)])
                .await
                .remove(0)
        }));
    }
    let mut applied = 0;
    for debit in debits {
        let result = debit.await.unwrap();
        match result["outcome"].as_str().unwrap() {
            "applied" => applied += 1,
            _ => assert_eq!(result["code"], "insufficient_funds"),
        }
    }
    assert_eq!(applied, 5);
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (0, 500));
    app.assert_sound().await;
}

#[sqlx::test]
async fn one_id_sent_20_times_at_once_through_two_replicas_is_applied_once(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let other = Arc::new(App::new(pool));
    let (payer, payee) = (app.holder(500).await, app.holder(0).await);
    let posting = transfer(Uuid::now_v7(), &payer, &payee, 100);
    let mut repeats = Vec::new();
    for number in 0..20 {
        let (app, posting) = (
            if number % 2 == 0 {
                app.clone()
            } else {
                other.clone()
            },
            posting.clone(),
        );
        repeats.push(tokio::spawn(async move { app.post(&[posting]).await }));
    }
    let first = repeats.remove(0).await.unwrap();
    assert_eq!(first[0]["outcome"], "applied");
    for repeat in repeats {
        assert_eq!(repeat.await.unwrap(), first);
    }
    assert_eq!((app.balance(&payer).await, app.balance(&payee).await), (400, 100));
    app.assert_sound().await;
}

#[sqlx::test]
async fn transfers_in_all_directions_between_replicas_conserve_money(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let other = Arc::new(App::new(pool));
    let mut holders = Vec::new();
    for _ in 0..4 {
        holders.push(app.holder(50).await);
    }
    let holders = Arc::new(holders);
    let mut tasks = Vec::new();
    for number in 0..120_usize {
        let (app, holders) = (
            if number % 2 == 0 {
                app.clone()
            } else {
                other.clone()
            },
            holders.clone(),
        );
        tasks.push(tokio::spawn(async move {
            let (from, to) = (&holders[number % 4], &holders[(number + 1 + number % 3) % 4]);
            let amount = i64::try_from(number % 17).unwrap() + 1;
            app.post(&[
                transfer(Uuid::now_v7(), from, to, amount),
                transfer(Uuid::now_v7(), to, from, amount),
            ])
            .await
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut total = 0;
    for holder in holders.iter() {
        total += app.balance(holder).await;
    }
    assert_eq!(total, 200);
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_body_of_the_wrong_form_posts_nothing(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(10).await, app.holder(0).await);
    let good = transfer(Uuid::now_v7(), &payer, &payee, 1);
    let mut extra = good.clone();
    extra["fee"] = json!(1);
    let mut float = good.clone();
    float["amount"]["amount_minor"] = json!(1.5);
    for body in [
        json!({}),
        json!({ "postings": [] }),
        json!({ "postings": vec![&good; 1_001] }),
        json!({ "postings": [good, extra] }),
        json!({ "postings": [float] }),
    ] {
        let answer = app.post_raw(&body).await;
        assert!(
            matches!(answer.code(), "invalid_request" | "body_too_large"),
            "{:?}",
            answer.json
        );
    }
    assert_eq!(app.balance(&payer).await, 10);
}

#[sqlx::test]
async fn a_database_that_fails_answers_503_and_a_repeat_succeeds(pool: PgPool) {
    let app = App::new(pool);
    let (payer, payee) = (app.holder(10).await, app.holder(0).await);
    let posting = transfer(Uuid::now_v7(), &payer, &payee, 4);
    sqlx::query("alter table entries rename to entries_gone")
        .execute(&app.pool)
        .await
        .unwrap();
    let answer = app.post_raw(&json!({ "postings": [posting] })).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "ledger_unavailable")
    );
    assert!(answer.headers.contains_key("retry-after"));
    sqlx::query("alter table entries_gone rename to entries")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.post(&[posting]).await[0]["outcome"], "applied");
    app.assert_sound().await;
}
