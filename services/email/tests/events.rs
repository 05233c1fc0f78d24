//! The events that bring mails, with a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has to end")]

mod support;

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use support::{ALICE, BOB, app, event, made};
use testkit::deliver;
use uuid::Uuid;

const REGISTERED: &str = "/events/user-registered";
const MADE: &str = "/events/transaction-made";
const TOKEN: &str = "from-the-sidecar";

async fn noted(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM mails")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test]
async fn a_mail_that_can_not_be_sent_is_not_noted_and_the_event_comes_again(pool: PgPool) {
    let router = app(pool.clone(), true).await;
    let registered = event("payme.user.registered.v1", &json!({ "user_id": ALICE }));
    for (path, event) in [
        (REGISTERED, registered),
        (MADE, made(Some(ALICE), BOB)),
        (MADE, made(None, BOB)),
    ] {
        let answer = deliver(&router, path, TOKEN, &event).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "mail_unavailable")
        );
    }
    assert_eq!(noted(&pool).await, 0);
}

#[sqlx::test]
async fn without_auth_the_event_comes_again(pool: PgPool) {
    let router = app(pool.clone(), false).await;
    let registered = event("payme.user.registered.v1", &json!({ "user_id": ALICE }));
    for (path, event) in [(REGISTERED, registered), (MADE, made(Some(ALICE), BOB))] {
        let answer = deliver(&router, path, TOKEN, &event).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "contacts_unavailable")
        );
    }
    assert_eq!(noted(&pool).await, 0);
}

#[sqlx::test]
async fn who_is_gone_gets_no_mail(pool: PgPool) {
    let (router, nobody) = (app(pool.clone(), true).await, Uuid::now_v7());
    let registered = event("payme.user.registered.v1", &json!({ "user_id": nobody }));
    for (path, event) in [(REGISTERED, registered), (MADE, made(Some(nobody), nobody))] {
        assert_eq!(
            deliver(&router, path, TOKEN, &event).await.json["status"],
            "SUCCESS"
        );
    }
    assert_eq!(noted(&pool).await, 0);
}

#[sqlx::test]
async fn a_mail_that_was_sent_is_not_sent_again(pool: PgPool) {
    let router = app(pool.clone(), true).await;
    let event = made(Some(ALICE), BOB);
    for user_id in [ALICE, BOB] {
        let id: Uuid = event["id"].as_str().unwrap().parse().unwrap();
        let insert = sqlx::query(
            "INSERT INTO mails (event_id, user_id, kind, sent_at) VALUES ($1, $2, 'sent', now())",
        );
        insert.bind(id).bind(user_id).execute(&pool).await.unwrap();
    }
    // Nobody takes mails here, so an attempt would fail.
    assert_eq!(
        deliver(&router, MADE, TOKEN, &event).await.json["status"],
        "SUCCESS"
    );
}

#[sqlx::test]
async fn what_can_not_be_read_is_dropped_and_strangers_are_refused(pool: PgPool) {
    let router = app(pool.clone(), true).await;
    let unknown = event("payme.user.registered.v2", &json!({ "user_id": ALICE }));
    let broken = event("payme.user.registered.v1", &json!({ "user_id": "alice" }));
    for event in [unknown, broken] {
        assert_eq!(
            deliver(&router, REGISTERED, TOKEN, &event).await.json["status"],
            "DROP"
        );
    }
    for path in [REGISTERED, MADE] {
        assert_eq!(
            deliver(&router, path, "guessed", &made(None, BOB)).await.code(),
            "not_from_sidecar"
        );
    }
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let checked_in = include_str!("../contract/openapi.json");
    assert_eq!(
        email::openapi().unwrap().trim(),
        checked_in.trim(),
        "run `make contracts`"
    );
}
