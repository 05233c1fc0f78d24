//! The inbox forgets what no broker would deliver again.

use sqlx::PgPool;

#[sqlx::test]
async fn the_inbox_forgets_old_deliveries_in_chunks_and_keeps_young_ones(pool: PgPool) {
    let add = async |count: i32, days: i32| {
        sqlx::query(
            "INSERT INTO inbox (event_id, received_at)
             SELECT gen_random_uuid(), now() - make_interval(days => $2, mins => 1) FROM generate_series(1, $1)",
        )
        .bind(count)
        .bind(days)
        .execute(&pool)
        .await
        .unwrap();
    };
    let left = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM inbox")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    add(2, 29).await;
    add(1_503, 30).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(inbox::forget_chunk(&mut conn, 3).await.unwrap(), 3);
    assert_eq!(left().await, 1_502);
    inbox::forget_old(pool.clone()).await.unwrap();
    assert_eq!(left().await, 2, "young");
}
