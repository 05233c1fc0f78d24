//! What a forger, a thief or a confused caller could present, and that none of it passes.

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::routing::get;
use identity::{Claims, Grant, Identity, Operator, Service, User};
use serde_json::Value;
use testkit::{Issuer, call, request, user_claims};
use uuid::Uuid;

#[derive(Clone, FromRef)]
struct State {
    identity: Identity,
}

struct Postings;

impl Grant for Postings {
    const CALLER: &str = "transaction";
    const SCOPE: &str = "postings:write";
}

fn router(issuer: &Issuer) -> Router {
    Router::new()
        .route("/user", get(async |user: User| user.id.to_string()))
        .route("/operator", get(async |_: Operator| "operator"))
        .route("/service", get(async |_: Service<Postings>| "service"))
        .with_state(State {
            identity: issuer.identity("account"),
        })
}

async fn status_and_code(path: &str, token: &str) -> (StatusCode, String) {
    let answer = call(&router(&Issuer::new()), request("GET", path, token, &Value::Null)).await;
    (answer.status, answer.code().to_owned())
}

async fn assert_refused(path: &str, token: &str, status: StatusCode, code: &str, why: &str) {
    assert_eq!(
        status_and_code(path, token).await,
        (status, code.to_owned()),
        "{why}"
    );
}

#[tokio::test]
async fn a_valid_token_grants_what_it_says() {
    let issuer = Issuer::new();
    let id = Uuid::now_v7();
    let operator = issuer.token_with_roles(id, &["user", "operator"]);
    let service = issuer.service_token("transaction", "account", "postings:write");
    assert_eq!(
        status_and_code("/user", &issuer.user_token(id)).await.0,
        StatusCode::OK
    );
    assert_eq!(status_and_code("/operator", &operator).await.0, StatusCode::OK);
    assert_eq!(status_and_code("/service", &service).await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_token_is_told_apart_from_a_bad_one() {
    assert_refused("/user", "", StatusCode::UNAUTHORIZED, "missing_token", "no token").await;
    assert_refused(
        "/user",
        "x.y.z",
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "not a token",
    )
    .await;
}

#[tokio::test]
async fn every_bent_claim_is_refused() {
    let issuer = Issuer::new();
    let good = user_claims(Uuid::now_v7());
    let bent = [
        (
            "expired beyond the leeway",
            Claims {
                exp: good.iat - 6,
                ..good.clone()
            },
        ),
        (
            "another issuer",
            Claims {
                iss: "else".into(),
                ..good.clone()
            },
        ),
        (
            "another audience",
            Claims {
                aud: "account".into(),
                ..good.clone()
            },
        ),
        (
            "a subject that is no user",
            Claims {
                sub: "service:gateway".into(),
                ..good.clone()
            },
        ),
        (
            "no session",
            Claims {
                sid: None,
                ..good.clone()
            },
        ),
    ];
    for (why, claims) in bent {
        assert_refused(
            "/user",
            &issuer.sign(&claims),
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            why,
        )
        .await;
    }
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_refused() {
    let claims = user_claims(Uuid::now_v7());
    let forged = Issuer::generate().sign(&claims);
    assert_refused(
        "/user",
        &forged,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "another key",
    )
    .await;
    let other_type = Issuer::new().sign_as("ott+jwt", &claims);
    assert_refused(
        "/user",
        &other_type,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "another type",
    )
    .await;
    // `alg: none` (RFC 8725 §3.1): {"typ":"at+jwt","alg":"none","kid":"test-key"} and no signature.
    let good = Issuer::new().sign(&claims);
    let body = good.split('.').nth(1).unwrap();
    let unsigned = format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIiwia2lkIjoidGVzdC1rZXkifQ.{body}.");
    assert_refused(
        "/user",
        &unsigned,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "no signature",
    )
    .await;
}

#[tokio::test]
async fn a_valid_token_grants_nothing_else() {
    let issuer = Issuer::new();
    let user = issuer.user_token(Uuid::now_v7());
    assert_refused(
        "/operator",
        &user,
        StatusCode::FORBIDDEN,
        "forbidden",
        "a user is no operator",
    )
    .await;
    assert_refused(
        "/service",
        &user,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "a user is no service",
    )
    .await;
    let cases = [("gateway", "postings:write"), ("transaction", "provision")];
    for (caller, scope) in cases {
        let token = issuer.service_token(caller, "account", scope);
        assert_refused(
            "/service",
            &token,
            StatusCode::FORBIDDEN,
            "forbidden",
            "another caller or scope",
        )
        .await;
    }
    let elsewhere = issuer.service_token("transaction", "user", "postings:write");
    assert_refused(
        "/service",
        &elsewhere,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "another audience",
    )
    .await;
}
