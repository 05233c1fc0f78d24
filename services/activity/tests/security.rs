//! What the feed and the log tell of sessions that ended and of alerts, with a real PostgreSQL.

use axum::Router;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::deliver;
use uuid::Uuid;

use crate::support::{app, get_as};

const TOKEN: &str = "from-the-sidecar";

fn event(kind: &str, subject: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": kind, "source": "auth", "subject": subject,
        "time": "2026-01-01T00:00:00Z", "data": data,
    })
}

fn revoked(data: &Value) -> Value {
    event("payme.session.revoked.v1", "somebody", data)
}

fn alert(data: &Value) -> Value {
    event("payme.security_alert.raised.v1", "auth", data)
}

async fn deliver_all(router: &Router, path: &str, events: &[Value]) {
    for event in events {
        let answer = deliver(router, path, TOKEN, event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{event}");
    }
}

/// The kinds and data in a feed, oldest first.
async fn feed(router: &Router, user_id: Uuid) -> Vec<(Value, Value)> {
    let items = get_as(router, "/activity", user_id).await.json["items"].clone();
    let items = items.as_array().unwrap().iter().rev();
    items
        .map(|item| (item["kind"].clone(), item["data"].clone()))
        .collect()
}

/// The data in the audit log, oldest first.
async fn log(pool: &PgPool) -> Vec<Value> {
    sqlx::query_scalar("SELECT data FROM audit_log ORDER BY received_at")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[sqlx::test]
async fn a_session_that_ended_is_in_its_users_feed_with_the_reason(pool: PgPool) {
    let (router, ada, session_id) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    let reasons = [
        "logout",
        "password_changed",
        "admin",
        "refresh_token_reused",
        "a_reason_of_next_year",
    ];
    let data = |reason: &&str| json!({ "session_id": session_id, "reason": reason });
    let events: Vec<Value> = reasons
        .iter()
        .map(|reason| {
            revoked(&json!({ "user_id": ada, "session_id": session_id, "reason": reason, "new": true }))
        })
        .collect();
    deliver_all(&router, "/events/session-revoked", &events).await;
    let expected: Vec<_> = reasons
        .iter()
        .map(|reason| (json!("session_ended"), data(reason)))
        .collect();
    assert_eq!(feed(&router, ada).await, expected);
}

#[sqlx::test]
async fn the_owner_sees_every_alert_about_their_account(pool: PgPool) {
    let (router, ada, session_id) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    let events = [
        alert(
            &json!({ "kind": "new_device_login", "user_id": ada, "session_id": session_id, "device": "Firefox on Linux" }),
        ),
        alert(
            &json!({ "kind": "account_locked", "user_id": ada, "locked_until": "2026-01-01T00:01:00Z", "device": null }),
        ),
        alert(&json!({ "kind": "password_reset_requested", "user_id": ada })),
        alert(&json!({ "kind": "csrf_rejected", "user_id": ada, "session_id": session_id })),
        alert(&json!({ "kind": "a_kind_of_next_year", "user_id": ada })),
    ];
    deliver_all(&router, "/events/security-alert", &events).await;
    let expected = [
        json!({ "alert": "new_device_login", "device": "Firefox on Linux", "session_id": session_id }),
        json!({ "alert": "account_locked" }),
        json!({ "alert": "password_reset_requested" }),
        json!({ "alert": "csrf_rejected", "session_id": session_id }),
        json!({ "alert": "a_kind_of_next_year" }),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|data| (json!("security_alert"), data))
        .collect();
    assert_eq!(feed(&router, ada).await, expected);
    assert_eq!(feed(&router, Uuid::now_v7()).await, []);
}

#[sqlx::test]
async fn an_alert_that_names_no_user_is_in_the_log_only(pool: PgPool) {
    let router = app(pool.clone());
    let event = alert(&json!({ "kind": "credential_stuffing" }));
    deliver_all(&router, "/events/security-alert", &[event.clone(), event]).await;
    assert_eq!(log(&pool).await, [json!({ "kind": "credential_stuffing" })]);
    let lines: i64 = sqlx::query_scalar("SELECT count(*) FROM feed")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(lines, 0);
}

#[sqlx::test]
async fn the_log_keeps_what_the_feed_does_not_know(pool: PgPool) {
    let data = json!({
        "kind": "account_locked", "user_id": Uuid::now_v7(), "locked_until": "2026-01-01T00:01:00Z", "new": { "field": 1 },
    });
    deliver_all(&app(pool.clone()), "/events/security-alert", &[alert(&data)]).await;
    assert_eq!(log(&pool).await, [data]);
}

#[sqlx::test]
async fn what_can_not_be_read_is_dropped_and_leaves_nothing(pool: PgPool) {
    let router = app(pool.clone());
    for (path, event) in [
        (
            "/events/security-alert",
            alert(&json!({ "user_id": Uuid::now_v7() })),
        ),
        (
            "/events/session-revoked",
            revoked(&json!({ "user_id": Uuid::now_v7() })),
        ),
        (
            "/events/session-revoked",
            alert(&json!({ "kind": "csrf_rejected" })),
        ),
    ] {
        assert_eq!(
            deliver(&router, path, TOKEN, &event).await.json["status"],
            "SUCCESS"
        );
        assert_eq!(
            deliver(&router, path, "guessed", &event).await.code(),
            "not_from_sidecar"
        );
    }
    assert_eq!(log(&pool).await, [] as [Value; 0]);
}
