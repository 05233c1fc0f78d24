//! That what has to be found is found: a service with holes fails the tests that every service has.

use axum::Router;
use axum::extract::{FromRef, Path};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use identity::{Identity, User};
use serde_json::{Value, json};
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::{Owned, Walk};
use testkit::{Issuer, user_claims};
use uuid::Uuid;

#[derive(Clone, FromRef)]
struct State {
    identity: Identity,
}

fn router() -> Router {
    Router::new()
        .route("/guarded", get(async |_: User| "for users"))
        .route("/open", get(async || "for anybody"))
        .route("/careless", get(careless))
        .route(
            "/things/{id}",
            get(async |_: User, _: Path<Uuid>| "anybody's thing"),
        )
        .with_state(State {
            identity: Issuer::new().identity("shop"),
        })
}

/// Believes what it can read.
async fn careless(headers: HeaderMap) -> StatusCode {
    match headers.get("authorization") {
        Some(_) => StatusCode::OK,
        None => StatusCode::UNAUTHORIZED,
    }
}

/// A document with one operation.
fn document(path: &str, security: &Value) -> String {
    json!({ "paths": { path: { "get": { "security": security } } } }).to_string()
}

async fn walk(document: &str, public: &[&str], owned: &[Owned<'_>]) {
    Walk {
        router: &router(),
        issuer: &Issuer::new(),
        app_id: "shop",
        openapi: document,
        public,
        owned,
    }
    .assert_guarded()
    .await;
}

fn of_users() -> Value {
    json!([{ "bearer": ["user"] }])
}

#[tokio::test]
async fn a_guarded_route_passes() {
    walk(&document("/guarded", &of_users()), &[], &[]).await;
}

#[tokio::test]
async fn a_public_route_passes_if_it_is_meant_to_be_one() {
    walk(&document("/open", &json!(null)), &["GET /open"], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /open does not say who may call it")]
async fn a_route_that_says_nothing_of_its_callers_is_found() {
    walk(&document("/open", &json!(null)), &[], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /open, nobody")]
async fn a_route_that_does_not_do_what_it_says_is_found() {
    walk(&document("/open", &of_users()), &[], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /guarded, its rightful caller")]
async fn a_route_that_lets_in_another_than_it_says_is_found() {
    walk(
        &document("/guarded", &json!([{ "service": ["gateway", "provision"] }])),
        &[],
        &[],
    )
    .await;
}

#[tokio::test]
#[should_panic(expected = "GET /things/{id}: the test has to name something of somebody's")]
async fn a_route_of_things_is_not_left_out() {
    walk(&document("/things/{id}", &of_users()), &[], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /things/{id}: of nothing there is")]
async fn a_route_that_shows_everybody_everything_is_found() {
    let thing = Owned {
        operation: "GET /things/{id}",
        owner: Uuid::now_v7(),
        id: Uuid::now_v7(),
        body: Value::Null,
    };
    walk(&document("/things/{id}", &of_users()), &[], &[thing]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /gone is not in the document")]
async fn an_exception_that_is_no_longer_needed_is_found() {
    walk(&document("/guarded", &of_users()), &["GET /gone"], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "the document has no operation")]
async fn a_document_of_nothing_shows_nothing() {
    walk(&json!({ "paths": {} }).to_string(), &[], &[]).await;
}

#[tokio::test]
#[should_panic(expected = "GET /careless let pass")]
async fn a_route_that_believes_a_forger_is_found() {
    let (router, issuer) = (&router(), &Issuer::new());
    assert_none_passes(&target(router, issuer, "/careless")).await;
}

#[tokio::test]
#[should_panic(expected = "a good token was refused")]
async fn a_route_that_refuses_everybody_shows_nothing() {
    let (router, issuer) = (&router(), &Issuer::generate());
    assert_none_passes(&target(router, issuer, "/guarded")).await;
}

fn target<'a>(router: &'a Router, issuer: &'a Issuer, path: &'a str) -> Target<'a> {
    Target {
        router,
        issuer,
        method: "GET",
        path,
        claims: user_claims(Uuid::now_v7()),
    }
}
