//! Who may call what, and what must never pass.

use auth::APP_ID;
use serde_json::Value;
use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::{Owned, Walk};
use testkit::{service_claims, user_claims};
use uuid::Uuid;

use crate::support::{Auth, PASSWORD};

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let ada = auth.register("ada").await;
    let (session, _) = auth.log_in("ada", PASSWORD).await;
    Walk {
        router: &auth.router,
        issuer: &auth.issuer,
        app_id: APP_ID,
        openapi: &auth::openapi().unwrap(),
        public: &[],
        owned: &[Owned {
            operation: "DELETE /auth/sessions/{id}",
            owner: ada,
            id: session.json["session_id"].as_str().unwrap().parse().unwrap(),
            body: Value::Null,
        }],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let routes = [
        ("GET", "/auth/sessions", user_claims(Uuid::now_v7())),
        (
            "POST",
            "/internal/contacts",
            service_claims("email", APP_ID, "contacts:read"),
        ),
    ];
    for (method, path, claims) in routes {
        assert_none_passes(&Target {
            router: &auth.router,
            issuer: &auth.issuer,
            method,
            path,
            claims,
        })
        .await;
    }
}
