//! Who may call what, and what must never pass.

use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::Walk;
use testkit::{Issuer, service_claims, user_claims};
use user::APP_ID;
use uuid::Uuid;

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    Walk {
        router: &crate::support::app(pool),
        issuer: &Issuer::new(),
        app_id: APP_ID,
        openapi: &user::openapi().unwrap(),
        public: &[],
        owned: &[],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    let router = crate::support::app(pool);
    let routes = [
        ("GET", "/users/me", user_claims(Uuid::now_v7())),
        (
            "POST",
            "/internal/provision",
            service_claims("gateway", APP_ID, "provision"),
        ),
    ];
    for (method, path, claims) in routes {
        assert_none_passes(&Target {
            router: &router,
            issuer: &Issuer::new(),
            method,
            path,
            claims,
        })
        .await;
    }
}
