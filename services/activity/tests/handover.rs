//! The database of this service is that of whoever stands in its place, too.

use sqlx::PgPool;
use testkit::{call, request};

use crate::support::app;

#[sqlx::test(migrations = false)]
#[ignore = "needs PAYME_REPLACEMENTS, as `make test-polyglot` sets it"]
async fn a_schema_that_a_replacement_made_is_taken_over_and_given_back(pool: PgPool) {
    let is_ready = async || {
        let router = app(pool.clone());
        call(&router, request("GET", "/readyz", "", &serde_json::Value::Null))
            .await
            .status
            == 200
    };
    assert!(is_ready().await);
    // It compares number and checksum of each migration, and would apply what is missing.
    sqlx::migrate!().run(&pool).await.unwrap();
    assert!(is_ready().await);
    let by_sqlx: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(by_sqlx).unwrap(), sqlx::migrate!().iter().count());
}
