//! What a forger, a thief or a confused caller could present, and that none of it passes.

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::routing::get;
use identity::{Admin, Claims, Grant, Identity, Operator, Service, User};
use serde_json::Value;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::{Issuer, call, request, service_claims, user_claims};
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
        .route("/admin", get(async |_: Admin| "admin"))
        .route("/service", get(async |_: Service<Postings>| "service"))
        .with_state(State {
            identity: issuer.identity("account"),
        })
}

async fn status_and_code(path: &str, token: &str) -> (StatusCode, String) {
    let answer = call(&router(&Issuer::new()), request("GET", path, token, &Value::Null)).await;
    (answer.status, answer.code().to_owned())
}

fn with_roles(roles: &[&str]) -> Claims {
    Claims {
        roles: roles.iter().map(ToString::to_string).collect(),
        ..user_claims(Uuid::now_v7())
    }
}

#[tokio::test]
async fn a_valid_token_grants_what_it_says() {
    let issuer = Issuer::new();
    let granted = [
        ("/user", user_claims(Uuid::now_v7())),
        ("/operator", with_roles(&["user", "operator"])),
        ("/admin", with_roles(&["user", "admin"])),
        (
            "/service",
            service_claims("transaction", "account", "postings:write"),
        ),
    ];
    for (path, claims) in granted {
        assert_eq!(
            status_and_code(path, &issuer.sign(&claims)).await.0,
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_valid_token_grants_nothing_else() {
    let issuer = Issuer::new();
    let refused = [
        ("/user", with_roles(&[])),
        ("/operator", with_roles(&["user"])),
        ("/admin", with_roles(&["user", "operator"])),
        ("/service", service_claims("gateway", "account", "postings:write")),
        ("/service", service_claims("transaction", "account", "provision")),
    ];
    for (path, claims) in refused {
        let answer = status_and_code(path, &issuer.sign(&claims)).await;
        assert_eq!(
            answer,
            (StatusCode::FORBIDDEN, "forbidden".to_owned()),
            "{path} {claims:?}"
        );
    }
}

#[tokio::test]
async fn no_token_is_told_apart_from_a_bad_one() {
    let missing = status_and_code("/user", "").await;
    assert_eq!(missing, (StatusCode::UNAUTHORIZED, "missing_token".to_owned()));
    let invalid = status_and_code("/user", "x.y.z").await;
    assert_eq!(invalid, (StatusCode::UNAUTHORIZED, "invalid_token".to_owned()));
}

#[tokio::test]
async fn no_forged_token_passes_at_a_route_of_users_or_of_a_service() {
    let issuer = Issuer::new();
    let router = router(&issuer);
    let routes = [
        ("/user", user_claims(Uuid::now_v7())),
        ("/operator", with_roles(&["user", "operator"])),
        (
            "/service",
            service_claims("transaction", "account", "postings:write"),
        ),
    ];
    for (path, claims) in routes {
        let (router, issuer) = (&router, &issuer);
        assert_none_passes(&Target {
            router,
            issuer,
            method: "GET",
            path,
            claims,
        })
        .await;
    }
}
