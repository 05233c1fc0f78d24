//! The routes, with a real PostgreSQL.

mod support;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use support::Provider;
use testkit::{call, request};

#[sqlx::test]
async fn the_key_set_is_public_and_holds_no_private_part(pool: PgPool) {
    let answer = call(
        &Provider::new(pool).router,
        request("GET", "/.well-known/jwks.json", "", &Value::Null),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let key = answer.json["keys"][0].as_object().unwrap();
    let mut members: Vec<_> = key.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
}

#[sqlx::test]
async fn a_service_gets_only_the_tokens_that_it_is_granted(pool: PgPool) {
    let provider = Provider::new(pool);
    let form = "grant_type=client_credentials&audience=auth&scope=auth:sessions";
    let granted = provider.service_token("gateway", "secret-of-gateway", form).await;
    assert_eq!(granted.status, StatusCode::OK);
    assert_eq!(granted.json["expires_in"], 300);
    let cases = [
        ("gateway", "secret-of-auth", form, "invalid_client"),
        ("gateway", "", form, "invalid_client"),
        ("stranger", "secret-of-gateway", form, "invalid_client"),
        ("auth", "secret-of-auth", form, "invalid_grant"),
        (
            "gateway",
            "secret-of-gateway",
            "grant_type=password&audience=auth&scope=auth:sessions",
            "invalid_grant",
        ),
    ];
    for (app, secret, form, code) in cases {
        assert_eq!(
            provider.service_token(app, secret, form).await.code(),
            code,
            "{app} {form}"
        );
    }
}

#[sqlx::test]
async fn only_auth_issues_tokens(pool: PgPool) {
    let provider = Provider::new(pool);
    let form = "grant_type=client_credentials&audience=auth&scope=auth:sessions";
    let gateway = provider
        .service_token("gateway", "secret-of-gateway", form)
        .await
        .json["access_token"]
        .clone();
    for path in [
        "/internal/tokens",
        "/internal/tokens/refresh",
        "/internal/tokens/revoke",
        "/internal/tokens/one-time",
    ] {
        let refused = call(
            &provider.router,
            request("POST", path, gateway.as_str().unwrap(), &json!({})),
        )
        .await;
        assert_eq!(refused.code(), "invalid_token", "{path}");
        let anonymous = call(&provider.router, request("POST", path, "", &json!({}))).await;
        assert_eq!(anonymous.code(), "missing_token", "{path}");
    }
}

#[sqlx::test]
async fn each_refresh_brings_new_tokens_and_a_late_replay_ends_the_family(pool: PgPool) {
    let provider = Provider::new(pool.clone());
    let first = provider.issue().await;
    let second = provider.refresh(&first).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_ne!(second.json["refresh_token"], first["refresh_token"]);
    let third = provider.refresh(&second.json).await;
    assert_eq!(third.status, StatusCode::OK);
    // The first comes back although its successor was used: somebody has a copy.
    assert_eq!(provider.refresh(&first).await.code(), "refresh_token_reused");
    assert_eq!(
        provider.refresh(&third.json).await.code(),
        "refresh_token_invalid"
    );
}

#[sqlx::test]
async fn a_lost_answer_may_be_asked_for_again(pool: PgPool) {
    let provider = Provider::new(pool);
    let first = provider.issue().await;
    assert_eq!(provider.refresh(&first).await.status, StatusCode::OK);
    let again = provider.refresh(&first).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(provider.refresh(&again.json).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn a_revoked_family_gives_nothing(pool: PgPool) {
    let provider = Provider::new(pool);
    let tokens = provider.issue().await;
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(
        provider.as_auth("/internal/tokens/revoke", &body).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(provider.refresh(&tokens).await.code(), "refresh_token_invalid");
    let unknown = json!({ "refresh_token": "nobody's" });
    assert_eq!(
        provider.as_auth("/internal/tokens/revoke", &unknown).await.status,
        StatusCode::NO_CONTENT
    );
}

#[sqlx::test]
async fn no_refresh_token_is_stored_as_it_is(pool: PgPool) {
    let tokens = Provider::new(pool.clone()).issue().await;
    let row: String = sqlx::query_scalar("SELECT encode(hash, 'escape') FROM refresh_tokens")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!row.contains(tokens["refresh_token"].as_str().unwrap()));
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let checked_in = include_str!("../contract/openapi.json");
    assert_eq!(
        token_provider::openapi().unwrap().trim(),
        checked_in.trim(),
        "run `make contracts`"
    );
}
