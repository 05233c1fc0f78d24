//! Events of earlier versions are understood as on the day that they were made.

use sqlx::PgPool;

use crate::support::{app, deliver_earlier, earlier_events};

#[sqlx::test]
async fn everybody_who_ever_registered_has_a_profile(pool: PgPool) {
    let router = app(pool.clone());
    for event in earlier_events("USER_REGISTERED") {
        deliver_earlier(&router, "/events/user-registered", &event).await;
        let user_id: uuid::Uuid = event["data"]["user_id"].as_str().unwrap().parse().unwrap();
        // Asked for in the database: the route would open a profile that is not there.
        let profiles: i64 = sqlx::query_scalar("SELECT count(*) FROM profiles WHERE user_id = $1")
            .bind(user_id)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(profiles, 1, "{event}");
    }
}
