//! The sealer: what is committed goes into the chain, once, whoever is at it.

use std::sync::Arc;

use account::sealer::seal_waiting;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{App, transfer};

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Batches that wait, of postings that are not there: the sealer does not look.
async fn let_wait(pool: &PgPool, batches: i32) {
    sqlx::query(
        "insert into unsealed (posting_ids) select array[gen_random_uuid()] from generate_series(1, $1)",
    )
    .bind(batches)
    .execute(pool)
    .await
    .unwrap();
}

/// Links whose hash is not that of the one before, the number and the postings, as PostgreSQL computes it.
async fn broken_links(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select count(*) from (
             select *, lag(hash, 1, decode(repeat('00', 32), 'hex')) over (order by number) as before,
                    row_number() over (order by number) as place from seals) as link
         where number <> place or hash <> sha256(before || int8send(number) || digest_of_postings(posting_ids))",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test]
async fn each_posting_goes_into_the_chain_once_also_one_that_was_refused(pool: PgPool) {
    let app = App::new(pool.clone());
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    for amount in [60, 60, 40] {
        app.post(&[transfer(Uuid::now_v7(), &payer, &payee, amount)])
            .await;
    }
    assert_eq!(
        (count(&pool, "unsealed").await, count(&pool, "seals").await),
        (4, 0)
    );
    seal_waiting(&pool).await.unwrap();
    assert_eq!(
        (count(&pool, "unsealed").await, count(&pool, "seals").await),
        (0, 4)
    );
    let unlisted: i64 = sqlx::query_scalar(
        "select count(*) from postings where 1 <> (select count(*) from seals where postings.id = any(posting_ids))",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((unlisted, broken_links(&pool).await), (0, 0));
}

#[sqlx::test]
async fn the_chain_goes_on_where_it_ended(pool: PgPool) {
    for batches in [1, 3, 0, 450] {
        let_wait(&pool, batches).await;
        seal_waiting(&pool).await.unwrap();
    }
    assert_eq!(
        (count(&pool, "unsealed").await, count(&pool, "seals").await),
        (0, 454)
    );
    assert_eq!(broken_links(&pool).await, 0);
}

#[sqlx::test]
async fn replicas_that_seal_at_once_make_one_chain(pool: PgPool) {
    let_wait(&pool, 1_000).await;
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { seal_waiting(&pool).await })
        })
        .collect();
    for replica in replicas {
        replica.await.unwrap().unwrap();
    }
    // Those that met another one left the work to it.
    seal_waiting(&pool).await.unwrap();
    assert_eq!(
        (count(&pool, "unsealed").await, count(&pool, "seals").await),
        (0, 1_000)
    );
    assert_eq!(broken_links(&pool).await, 0);
}

#[sqlx::test]
async fn a_sealer_that_dies_leaves_its_work_to_the_next(pool: PgPool) {
    let_wait(&pool, 2).await;
    sqlx::raw_sql("alter table seals rename to seals_gone")
        .execute(&pool)
        .await
        .unwrap();
    assert!(seal_waiting(&pool).await.is_err());
    sqlx::raw_sql("alter table seals_gone rename to seals")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(count(&pool, "unsealed").await, 2);
    seal_waiting(&pool).await.unwrap();
    assert_eq!(
        (count(&pool, "unsealed").await, broken_links(&pool).await),
        (0, 0)
    );
}

#[sqlx::test]
async fn postings_go_on_while_a_sealer_is_stuck(pool: PgPool) {
    let app = Arc::new(App::new(pool.clone()));
    let (payer, payee) = (app.holder(100).await, app.holder(0).await);
    let mut stuck = pool.begin().await.unwrap();
    sqlx::raw_sql("select pg_advisory_xact_lock(1); delete from unsealed; lock table seals")
        .execute(&mut *stuck)
        .await
        .unwrap();
    let results = app.post(&[transfer(Uuid::now_v7(), &payer, &payee, 40)]).await;
    assert_eq!(results[0]["outcome"], "applied");
    // Another replica's sealer does not wait for the one that is stuck.
    seal_waiting(&pool).await.unwrap();
    stuck.rollback().await.unwrap();
    seal_waiting(&pool).await.unwrap();
    assert_eq!(count(&pool, "unsealed").await, 0);
    app.assert_sound().await;
}

#[sqlx::test]
async fn a_seal_is_never_changed_or_taken_away(pool: PgPool) {
    let_wait(&pool, 2).await;
    seal_waiting(&pool).await.unwrap();
    for statement in [
        "update seals set number = 9",
        "delete from seals",
        "truncate seals",
    ] {
        assert!(
            sqlx::query(statement).execute(&pool).await.is_err(),
            "{statement}"
        );
    }
}
