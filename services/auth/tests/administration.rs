//! What administrators do.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Auth, PASSWORD};

impl Auth {
    async fn change(&self, user_id: Uuid, body: Value) -> testkit::Answer {
        self.admin("PATCH", &format!("/admin/users/{user_id}"), &body)
            .await
    }
}

#[sqlx::test]
async fn users_are_listed_and_found(pool: PgPool) {
    let auth = Auth::start(pool).await;
    for name in ["alice", "alina", "bob"] {
        auth.register(name).await;
    }
    let names = async |query: &str| {
        let page = auth
            .admin("GET", &format!("/admin/users{query}"), &Value::Null)
            .await
            .json;
        let names = page["items"].as_array().unwrap().iter();
        let names: Vec<_> = names
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect();
        (
            names.join(" "),
            page["next_cursor"].as_str().map(ToOwned::to_owned),
        )
    };
    assert_eq!(names("").await.0, "bob alina alice");
    assert_eq!(names("?search=AL").await.0, "alina alice");
    assert_eq!(names("?search=bob@example.com").await.0, "bob");
    assert_eq!(names("?search=%25").await.0, "", "no pattern");
    let (first, cursor) = names("?limit=2").await;
    let second = cursor.unwrap();
    let (rest, none) = names(&format!("?limit=2&cursor={second}")).await;
    assert_eq!(
        (first.as_str(), rest.as_str(), none),
        ("bob alina", "alice", None)
    );
    for bad in ["?limit=0", "?unknown=1"] {
        let answer = auth
            .admin("GET", &format!("/admin/users{bad}"), &Value::Null)
            .await;
        assert_eq!(answer.code(), "invalid_query", "{bad}");
    }
    let last = auth
        .admin(
            "GET",
            &format!("/admin/users?limit=2&cursor={second}"),
            &Value::Null,
        )
        .await
        .json;
    let back = format!("?limit=1&cursor={}", last["previous_cursor"].as_str().unwrap());
    assert_eq!(names(&back).await.0, "alina");
    let answer = auth.admin("GET", "/admin/users?cursor=x", &Value::Null).await;
    assert_eq!(answer.code(), "invalid_cursor");
}

#[sqlx::test]
async fn an_account_is_disabled_expired_and_locked_and_its_sessions_end(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    auth.set(user_id, "email_verified_at = now()").await;
    let later = chrono::Utc::now() + chrono::Duration::hours(1);
    for (out, back, status, code) in [
        (
            json!({ "disabled": true }),
            json!({ "disabled": false }),
            "disabled",
            "account_disabled",
        ),
        (
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            json!({ "expires_at": null }),
            "expired",
            "account_expired",
        ),
        (
            json!({ "locked_until": later }),
            json!({ "locked_until": null }),
            "locked",
            "account_locked",
        ),
    ] {
        let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
        let changed = auth.change(user_id, out).await;
        assert_eq!(
            (changed.status, &changed.json["status"]),
            (StatusCode::OK, &json!(status))
        );
        assert!(changed.headers.contains_key("payme-ended-sessions"));
        assert_eq!(auth.log_in("alice", PASSWORD).await.0.code(), code);
        assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
        assert_eq!(auth.change(user_id, back).await.json["status"], "active");
        assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
    }
    assert_eq!(
        auth.change(Uuid::now_v7(), json!({})).await.code(),
        "unknown_user"
    );
}

#[sqlx::test]
async fn unlocking_forgets_wrong_passwords(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    for _ in 0..5 {
        auth.log_in("alice", "not the password").await;
    }
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.code(), "account_locked");
    auth.change(user_id, json!({ "locked_until": null })).await;
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
}

#[sqlx::test]
async fn roles_are_set_and_losing_one_ends_the_sessions(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    let more = auth
        .change(user_id, json!({ "roles": ["user", "operator"] }))
        .await;
    assert_eq!(more.json["roles"], json!(["operator", "user"]));
    assert_eq!(auth.renew(&session_ref).await.status, StatusCode::OK);
    auth.change(user_id, json!({ "roles": ["user"] })).await;
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
    assert_eq!(
        auth.change(user_id, json!({ "roles": ["emperor"] })).await.code(),
        "invalid_request"
    );
}

#[sqlx::test]
async fn the_last_administrator_stays_one(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    let bob = auth.register("bob").await;
    auth.change(alice, json!({ "roles": ["admin", "user"] })).await;
    for body in [
        json!({ "roles": ["user"] }),
        json!({ "disabled": true }),
        json!({ "expires_at": "2099-01-01T00:00:00Z" }),
    ] {
        assert_eq!(auth.change(alice, body).await.code(), "last_admin");
    }
    auth.change(bob, json!({ "roles": ["admin", "user"] })).await;
    // Both are taken away at once: one of them stays.
    let (one, other) = tokio::join!(
        auth.change(alice, json!({ "roles": ["user"] })),
        auth.change(bob, json!({ "roles": ["user"] }))
    );
    let mut codes = [one.code(), other.code()];
    codes.sort_unstable();
    assert_eq!(codes, ["", "last_admin"]);
}

#[sqlx::test]
async fn sessions_of_a_user_are_ended(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    let path = format!("/admin/users/{user_id}/sessions");
    assert_eq!(
        auth.admin("DELETE", &path, &Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
}

#[sqlx::test]
async fn nothing_of_a_person_is_left_after_their_account_is_deleted(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    for _ in 0..2 {
        let erased = auth
            .gateway("/internal/erase", &json!({ "user_id": user_id }))
            .await;
        assert_eq!(erased.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.code(),
        "invalid_credentials"
    );
    assert_eq!(
        auth.log_in(&format!("deleted-{user_id}"), "").await.0.code(),
        "invalid_credentials"
    );
    let row: String = sqlx::query_scalar("SELECT users::text FROM users")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert!(!row.contains("alice") && !row.contains("argon2"), "{row}");
    auth.register("alice").await;
}

#[sqlx::test]
async fn nobody_sets_the_password_of_another(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    for field in ["password", "new_password", "password_hash", "email"] {
        let answer = auth.change(alice, json!({ field: "seven wet umbrellas" })).await;
        assert_eq!(answer.code(), "invalid_request", "{field}");
    }
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
}
