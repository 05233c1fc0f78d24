//! Who may call what, and what must never pass.

use activity::APP_ID;
use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::Walk;
use testkit::{Issuer, user_claims};
use uuid::Uuid;

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    Walk {
        router: &crate::support::app_without_streams(pool),
        issuer: &Issuer::new(),
        app_id: APP_ID,
        openapi: &activity::openapi().unwrap(),
        public: &[],
        owned: &[],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    assert_none_passes(&Target {
        router: &crate::support::app(pool),
        issuer: &Issuer::new(),
        method: "GET",
        path: "/activity",
        claims: user_claims(Uuid::now_v7()),
    })
    .await;
}
