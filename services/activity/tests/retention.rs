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

#[sqlx::test]
async fn feeds_forget_old_lines_in_chunks_and_the_audit_log_does_not(pool: PgPool) {
    sqlx::query(
        "INSERT INTO feed (id, user_id, event_id, kind, data, occurred_at)
         SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'sent', '{}',
                now() - make_interval(days => CASE WHEN n <= 2300 THEN 401 ELSE 399 END)
           FROM generate_series(1, 2302) AS n",
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO audit_log (event_id, kind, subject, data, occurred_at, received_at)
         VALUES (gen_random_uuid(), 'k', 's', '{}', now() - interval '9 years', now() - interval '9 years')",
    )
    .execute(&pool)
    .await
    .unwrap();
    activity::retention::forget_old_lines(pool.clone(), 400)
        .await
        .unwrap();
    let left: (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM feed), (SELECT count(*) FROM audit_log)")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(left, (2, 1));
}
