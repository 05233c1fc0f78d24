//! Who may call what, and what must never pass.

use std::collections::HashMap;

use identity::Claims;
use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::Walk;
use testkit::{Issuer, service_claims, user_claims};
use token_provider::APP_ID;
use token_provider::domain::keys::KeyAlgorithm::{Es256, Rs256};
use uuid::Uuid;

use crate::support::{Provider, SCHEDULE, new_key};

fn keys_of_both_algorithms() -> HashMap<String, String> {
    let mut keys = new_key(Rs256);
    keys.extend(new_key(Es256));
    keys
}

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    let keys = keys_of_both_algorithms();
    Walk {
        router: &Provider::with_keys(pool, SCHEDULE, &keys).await.router,
        issuer: &Issuer::of_secret(&keys),
        app_id: APP_ID,
        openapi: &token_provider::openapi().unwrap(),
        // The key set has no secret; for a token, a client shows its own.
        public: &["GET /.well-known/jwks.json", "POST /oauth/token"],
        owned: &[],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    let keys = keys_of_both_algorithms();
    let provider = Provider::with_keys(pool, SCHEDULE, &keys).await;
    let administrator = Claims {
        roles: vec!["admin".to_owned()],
        ..user_claims(Uuid::now_v7())
    };
    let routes = [
        ("GET", "/admin/signing-keys", administrator),
        (
            "POST",
            "/internal/tokens",
            service_claims("auth", APP_ID, "tokens:issue"),
        ),
    ];
    for (method, path, claims) in routes {
        assert_none_passes(&Target {
            router: &provider.router,
            issuer: &Issuer::of_secret(&keys),
            method,
            path,
            claims,
        })
        .await;
    }
}
