//! The `Idempotency-Key` of `POST /transactions`, which `POST /top-ups` shares.

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, send, transfer_of};

#[sqlx::test]
async fn a_key_is_required_and_has_a_form(pool: PgPool) {
    let app = App::new(pool).await;
    let token = app.issuer.user_token(Uuid::now_v7());
    let missing = app.send("/transactions", &token, None, &transfer_of(5)).await;
    assert_eq!(
        (missing.status, missing.code().as_str()),
        (400, "idempotency_key_missing")
    );
    for bad in ["", "a b", &"k".repeat(256), &"k".repeat(10_000)] {
        let invalid = app
            .send("/transactions", &token, Some(bad), &transfer_of(5))
            .await;
        assert_eq!(
            (invalid.status, invalid.code().as_str()),
            (400, "idempotency_key_invalid")
        );
    }
    assert_eq!(
        app.send("/transactions", &token, Some("k"), &transfer_of(5))
            .await
            .status,
        201
    );
    assert_eq!(
        app.send("/transactions", &token, Some(&"k".repeat(255)), &transfer_of(5))
            .await
            .status,
        201
    );
}

#[sqlx::test]
async fn a_repeat_gets_the_first_answer_byte_for_byte(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let first = app.transfer(user, "k", &transfer_of(5)).await;
    app.ledger.set(Mode::Down);
    assert_eq!(app.transfer(user, "k", &transfer_of(5)).await, first);
    let other = app.transfer(user, "k", &transfer_of(6)).await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "idempotency_key_reused")
    );
    app.ledger.set(Mode::Apply);
    assert_ne!(
        app.transfer(Uuid::now_v7(), "k", &transfer_of(5)).await,
        first,
        "keys are each user's own"
    );
    assert_eq!(app.ledger.applied(), 2);
}

#[sqlx::test]
async fn the_same_key_20_times_at_once_makes_one_transaction(pool: PgPool) {
    let app = App::new(pool).await;
    let token = app.issuer.user_token(Uuid::now_v7());
    app.ledger.set(Mode::Hang);
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let (router, token) = (app.router.clone(), token.clone());
        tasks.push(tokio::spawn(async move {
            send(router, "/transactions", &token, Some("k"), &transfer_of(5)).await
        }));
    }
    app.until_seen(1).await;
    let running = app
        .send("/transactions", &token, Some("k"), &transfer_of(5))
        .await;
    assert_eq!(
        (running.status, running.code().as_str()),
        (409, "idempotency_in_progress")
    );
    app.ledger.set(Mode::Apply);

    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|answer| *answer == made[0]));
    assert!(
        answers.iter().all(|answer| matches!(answer.status, 201 | 409)),
        "{answers:?}"
    );
    assert_eq!(
        app.send("/transactions", &token, Some("k"), &transfer_of(5))
            .await,
        *made[0]
    );
    assert_eq!(
        (
            app.count("transactions").await,
            app.count("outbox").await,
            app.ledger.applied()
        ),
        (1, 1, 1)
    );
}
