//! What a crash, a timeout or an outage leaves pending comes to its one end.

use std::sync::Arc;

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, Mode, send, transfer_of};

#[sqlx::test]
async fn an_outage_leaves_it_pending_and_the_same_key_finds_the_result_later(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for mode in [Mode::Down, Mode::LoseAnswer] {
        let key = format!("{mode:?}");
        app.ledger.set(mode);
        let unknown = app.transfer(user, &key, &transfer_of(5)).await;
        assert_eq!(
            (unknown.status, unknown.code().as_str()),
            (503, "outcome_pending")
        );
        let running = app.transfer(user, &key, &transfer_of(5)).await;
        assert_eq!(
            (running.status, running.code().as_str()),
            (409, "idempotency_in_progress")
        );
        assert_eq!(
            app.get("/transactions", user).await.json["items"][0]["state"],
            "pending"
        );
        assert_eq!(app.recover().await, 0, "it is still down");

        app.ledger.set(Mode::Apply);
        assert_eq!(app.recover().await, 1);
        let found = app.transfer(user, &key, &transfer_of(5)).await;
        assert_eq!((found.status, &found.json()["state"]), (201, &"completed".into()));
    }
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (2, 2));
}

#[sqlx::test]
async fn a_refusal_is_recovered_too(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    app.ledger.set(Mode::Down);
    app.transfer(user, "k", &transfer_of(5)).await;
    app.ledger.set(Mode::Refuse("insufficient_funds"));
    assert_eq!(app.recover().await, 1);
    assert_eq!(
        app.transfer(user, "k", &transfer_of(5)).await.code(),
        "insufficient_funds"
    );
}

#[sqlx::test]
async fn a_request_and_many_workers_that_race_give_one_end_and_one_event(pool: PgPool) {
    let app = App::new(pool).await;
    let token = app.issuer.user_token(Uuid::now_v7());
    app.ledger.set(Mode::Hang);
    let request = tokio::spawn({
        let (router, token) = (app.router.clone(), token.clone());
        async move { send(router, "/transactions", &token, Some("k"), &transfer_of(5)).await }
    });
    app.until_seen(1).await;
    let workers = async { tokio::join!(app.recover(), app.recover(), app.recover()) };
    let release = async {
        app.until_seen(2).await;
        app.ledger.set(Mode::Apply);
    };
    tokio::join!(workers, release);
    let answer = request.await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(
        app.send("/transactions", &token, Some("k"), &transfer_of(5))
            .await,
        answer
    );
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (1, 1));
}

#[sqlx::test]
async fn one_that_comes_twice_in_a_batch_goes_once(pool: PgPool) {
    let app = Arc::new(App::new(pool).await);
    let token = app.issuer.user_token(Uuid::now_v7());
    app.ledger.set(Mode::Hang);
    // As many requests as may be under way at once, so that what comes next waits and goes together.
    let requests: Vec<_> = (0..2)
        .map(|number| {
            let (app, token) = (app.clone(), token.clone());
            tokio::spawn(async move {
                app.send(
                    "/transactions",
                    &token,
                    Some(&format!("{number}")),
                    &transfer_of(5),
                )
                .await
            })
        })
        .collect();
    app.until_seen(2).await;
    let mut workers = Vec::new();
    for _ in 0..2 {
        let (worker, before) = (app.clone(), app.leased_until().await);
        workers.push(tokio::spawn(async move { worker.recover().await }));
        app.until_leased_beyond(before).await;
    }
    app.ledger.set(Mode::Apply);
    for worker in workers {
        assert_eq!(worker.await.unwrap(), 2);
    }
    for request in requests {
        assert_eq!(request.await.unwrap().status, 201);
    }
    assert_eq!((app.ledger.applied(), app.count("outbox").await), (2, 2));
}

#[sqlx::test]
async fn a_worker_leaves_fresh_and_taken_ones_alone(pool: PgPool) {
    let app = App::new(pool).await;
    app.ledger.set(Mode::Down);
    app.transfer(Uuid::now_v7(), "k", &transfer_of(5)).await;
    let seen = || app.ledger.seen.lock().unwrap().len();
    assert_eq!(seen(), 1);
    transaction::recovery::recover(&app.pool, &app.state.settler)
        .await
        .unwrap();
    assert_eq!(seen(), 1, "it is younger than three seconds");
    app.recover().await;
    assert_eq!(seen(), 2);
    transaction::recovery::recover(&app.pool, &app.state.settler)
        .await
        .unwrap();
    assert_eq!(seen(), 2, "another worker has just taken it");
}

#[sqlx::test]
async fn a_final_state_can_not_be_changed_in_the_database_either(pool: PgPool) {
    let app = App::new(pool).await;
    app.transfer(Uuid::now_v7(), "k", &transfer_of(5)).await;
    for statement in [
        "update transactions set state = 'pending', to_user_id = null, completed_at = null",
        "update transactions set amount_minor = 6",
        "delete from transactions",
    ] {
        assert!(
            sqlx::query(statement).execute(&app.pool).await.is_err(),
            "{statement}"
        );
    }
}

#[sqlx::test]
async fn the_worker_stops_when_it_is_told_to(pool: PgPool) {
    let app = App::new(pool).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = tokio::spawn(transaction::recovery::run(
        app.pool.clone(),
        app.state.settler.clone(),
        stop.clone(),
    ));
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(10), worker)
        .await
        .unwrap()
        .unwrap();
}
