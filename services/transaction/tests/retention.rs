//! Idempotency keys and published events are forgotten after a week.

use chrono::{Duration, Utc};
use sqlx::PgPool;
use transaction::retention::forget_chunk;
use uuid::Uuid;

use crate::support::{App, Mode, transfer_of};

async fn age(pool: &PgPool, days: i32) {
    sqlx::query("update idempotency_keys set created_at = now() - make_interval(days => $1, mins => 1)")
        .bind(days)
        .execute(pool)
        .await
        .unwrap();
}

#[sqlx::test]
async fn an_old_key_is_forgotten_and_its_repeat_is_a_new_transaction(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    let first = app.transfer(user, "k", &transfer_of(5)).await;
    let mut db = app.pool.acquire().await.unwrap();
    age(&app.pool, 6).await;
    assert_eq!(forget_chunk(&mut db, 7, 100).await.unwrap(), 0, "it is young");
    assert_eq!(app.transfer(user, "k", &transfer_of(5)).await, first);

    age(&app.pool, 7).await;
    assert_eq!(forget_chunk(&mut db, 7, 100).await.unwrap(), 1);
    let second = app.transfer(user, "k", &transfer_of(5)).await;
    assert_eq!(second.status, 201);
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_eq!(app.count("transactions").await, 2);
}

#[sqlx::test]
async fn a_key_without_an_answer_stays_however_old_it_is(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    app.ledger.set(Mode::Down);
    assert_eq!(app.transfer(user, "k", &transfer_of(5)).await.status, 503);
    age(&app.pool, 100).await;
    let mut db = app.pool.acquire().await.unwrap();
    assert_eq!(forget_chunk(&mut db, 7, 100).await.unwrap(), 0);

    app.ledger.set(Mode::Apply);
    app.recover().await;
    assert_eq!(app.transfer(user, "k", &transfer_of(5)).await.status, 201);
    assert_eq!(
        app.count("transactions").await,
        1,
        "the client found the result under its key"
    );
    assert_eq!(forget_chunk(&mut db, 7, 100).await.unwrap(), 1);
}

#[sqlx::test]
async fn a_chunk_is_bounded_and_replicas_take_different_ones(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for number in 0..5 {
        app.transfer(user, &number.to_string(), &transfer_of(5)).await;
    }
    age(&app.pool, 8).await;
    let mut one = app.pool.begin().await.unwrap();
    let mut other = app.pool.begin().await.unwrap();
    assert_eq!(forget_chunk(&mut one, 7, 3).await.unwrap(), 3);
    assert_eq!(forget_chunk(&mut other, 7, 3).await.unwrap(), 2, "without a wait");
    one.commit().await.unwrap();
    other.commit().await.unwrap();
    assert_eq!(app.count("idempotency_keys").await, 0);
}

/// As the relay leaves it when the broker has taken everything.
async fn all_published(pool: &PgPool, days_ago: i32) {
    sqlx::query(
        "with taken as (delete from outbox returning *)
         insert into published_events
         select taken.*, now() - make_interval(days => $1, mins => 1) from taken",
    )
    .bind(days_ago)
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test]
async fn published_events_come_again_in_their_order_and_under_their_ids(pool: PgPool) {
    let app = App::new(pool).await;
    let user = Uuid::now_v7();
    for number in 0..3 {
        app.transfer(user, &number.to_string(), &transfer_of(5)).await;
    }
    let ids = "select id from outbox order by seq";
    let before: Vec<Uuid> = sqlx::query_scalar(ids).fetch_all(&app.pool).await.unwrap();
    all_published(&app.pool, 1).await;
    let mut db = app.pool.acquire().await.unwrap();
    let (now, hour) = (Utc::now(), Duration::hours(1));
    assert_eq!(outbox::publish_again(&mut db, now - hour, now).await.unwrap(), 0);
    assert_eq!(
        outbox::publish_again(&mut db, now - hour * 25, now)
            .await
            .unwrap(),
        3
    );
    let after: Vec<Uuid> = sqlx::query_scalar(ids).fetch_all(&app.pool).await.unwrap();
    assert_eq!((before.len(), after), (3, before));
    assert_eq!(app.count("published_events").await, 0, "an event is in one place");
}

#[sqlx::test]
async fn published_events_are_forgotten_after_a_week(pool: PgPool) {
    let app = App::new(pool).await;
    app.transfer(Uuid::now_v7(), "k", &transfer_of(5)).await;
    all_published(&app.pool, 6).await;
    let mut db = app.pool.acquire().await.unwrap();
    assert_eq!(
        outbox::forget_chunk(&mut db, 100).await.unwrap(),
        0,
        "it is young"
    );
    sqlx::query("update published_events set published_at = published_at - interval '1 day'")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(outbox::forget_chunk(&mut db, 100).await.unwrap(), 1);
    assert_eq!(app.count("published_events").await, 0);
}
