//! A version of before, on a schema that a newer one has expanded.

use sqlx::migrate::MigrateError;
use sqlx::{Executor, PgPool};

#[sqlx::test(migrations = false)]
async fn what_a_newer_version_has_added_is_left_alone_and_what_was_changed_is_refused(pool: PgPool) {
    let of_before = || sqlx::migrate!("tests/schema");
    server::migrate(&pool, of_before()).await.unwrap();
    pool.execute(
        "INSERT INTO _sqlx_migrations SELECT 2, 'newer', now(), true, checksum, 0 FROM _sqlx_migrations",
    )
    .await
    .unwrap();
    server::migrate(&pool, of_before()).await.unwrap();
    pool.execute("UPDATE _sqlx_migrations SET checksum = 'another' WHERE version = 1")
        .await
        .unwrap();
    let refused = server::migrate(&pool, of_before()).await;
    assert!(
        matches!(refused, Err(MigrateError::VersionMismatch(1))),
        "{refused:?}"
    );
}
