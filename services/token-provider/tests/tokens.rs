//! The routes, with a real PostgreSQL.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{call, request};

use crate::support::{Provider, claims, session_of};

#[sqlx::test]
async fn the_key_set_is_public_and_holds_no_private_part(pool: PgPool) {
    let answer = call(
        &Provider::new(pool).await.router,
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
    let provider = Provider::new(pool).await;
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
    let provider = Provider::new(pool).await;
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
    let provider = Provider::new(pool.clone()).await;
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
    let provider = Provider::new(pool).await;
    let first = provider.issue().await;
    assert_eq!(provider.refresh(&first).await.status, StatusCode::OK);
    let again = provider.refresh(&first).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(provider.refresh(&again.json).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn of_two_who_use_one_token_at_once_only_one_goes_on(pool: PgPool) {
    let provider = Provider::new(pool.clone()).await;
    let first = provider.issue().await;
    let (one, other) = (provider.refresh(&first).await, provider.refresh(&first).await);
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(provider.refresh(&other.json).await.status, StatusCode::OK);
    // The answer that the second use replaced is worth nothing any more: its bearer and the other are two.
    assert_eq!(provider.refresh(&one.json).await.code(), "refresh_token_reused");
}

#[sqlx::test]
async fn a_refresh_token_is_good_for_its_own_session_only(pool: PgPool) {
    let provider = Provider::new(pool).await;
    let tokens = provider.issue().await;
    let body = json!({ "refresh_token": tokens["refresh_token"], "session_id": uuid::Uuid::now_v7(), "roles": ["user"] });
    let refused = provider.as_auth("/internal/tokens/refresh", &body).await;
    assert_eq!(refused.code(), "refresh_token_invalid");
    assert_eq!(provider.refresh(&tokens).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn a_one_time_token_has_a_purpose_of_ours_and_a_bounded_life(pool: PgPool) {
    let provider = Provider::new(pool).await;
    let ask = async |purpose: &str, ttl_s: i64| {
        let body = json!({ "user_id": uuid::Uuid::now_v7(), "purpose": purpose, "ttl_s": ttl_s });
        provider.as_auth("/internal/tokens/one-time", &body).await
    };
    let granted = ask("password_reset", 600).await;
    let claims = claims(granted.json["token"].as_str().unwrap());
    assert_eq!(
        (&claims["purpose"], &claims["aud"]),
        (&json!("password_reset"), &json!("auth"))
    );
    assert_eq!(ask("anything", 600).await.code(), "invalid_request");
    assert_eq!(
        ask("password_reset", 8 * 24 * 3600).await.code(),
        "invalid_request"
    );
}

#[sqlx::test]
async fn families_that_are_long_over_are_forgotten(pool: PgPool) {
    let provider = Provider::new(pool.clone()).await;
    let tokens = provider.issue().await;
    let mut conn = pool.acquire().await.unwrap();
    let forget = token_provider::store::refresh_tokens::forget_ended;
    assert_eq!(forget(&mut conn, chrono::Utc::now()).await.unwrap(), 0);
    let in_a_year = chrono::Utc::now() + chrono::Duration::days(365);
    assert_eq!(forget(&mut conn, in_a_year).await.unwrap(), 1);
    assert_eq!(provider.refresh(&tokens).await.code(), "refresh_token_invalid");
}

#[sqlx::test]
async fn a_revoked_family_gives_nothing(pool: PgPool) {
    let provider = Provider::new(pool).await;
    let tokens = provider.issue().await;
    let body = json!({ "session_ids": [session_of(&tokens)] });
    assert_eq!(
        provider.as_auth("/internal/tokens/revoke", &body).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(provider.refresh(&tokens).await.code(), "refresh_token_invalid");
    let unknown = json!({ "session_ids": [uuid::Uuid::now_v7()] });
    assert_eq!(
        provider.as_auth("/internal/tokens/revoke", &unknown).await.status,
        StatusCode::NO_CONTENT
    );
}

#[sqlx::test]
async fn no_refresh_token_is_stored_as_it_is(pool: PgPool) {
    let tokens = Provider::new(pool.clone()).await.issue().await;
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
