//! Logging in, going on, and ending.

mod support;

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use support::{Auth, PASSWORD, new_ref};

#[sqlx::test]
async fn username_and_address_log_in_in_any_case_and_the_first_time_is_told_once(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let (first, _) = auth.log_in("ALICE", PASSWORD).await;
    assert_eq!(
        (first.status, &first.json["first_login"]),
        (StatusCode::OK, &json!(true))
    );
    assert_eq!(first.json["user_id"], json!(user_id));
    let by_address = json!({ "email": "Alice@example.com", "password": PASSWORD, "session_ref": new_ref() });
    let second = auth.gateway("/login", &by_address).await;
    assert_eq!(
        (second.status, &second.json["first_login"]),
        (StatusCode::OK, &json!(false))
    );
    assert_ne!(second.json["session_id"], first.json["session_id"]);
    assert_eq!(auth.events("USER_LOGGED_IN").await, 2);
    for body in [
        json!({ "password": PASSWORD, "session_ref": new_ref() }),
        json!({ "username": "a", "email": "b", "password": PASSWORD, "session_ref": new_ref() }),
        json!({ "username": "alice", "password": PASSWORD, "session_ref": "short" }),
    ] {
        assert_eq!(
            auth.gateway("/login", &body).await.code(),
            "invalid_request",
            "{body}"
        );
    }
}

#[sqlx::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (wrong, _) = auth.log_in("alice", "not the password").await;
    let (unknown, _) = auth.log_in("nobody", "not the password").await;
    assert_eq!(wrong.code(), "invalid_credentials");
    assert_eq!((wrong.status, &wrong.json), (unknown.status, &unknown.json));
    assert_eq!(auth.events("USER_LOGGED_IN").await, 0);
}

#[sqlx::test]
async fn status_is_told_only_after_the_right_password(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    for (assignment, code) in [
        ("disabled_at = now()", "account_disabled"),
        ("disabled_at = NULL, expires_at = now()", "account_expired"),
        (
            "expires_at = NULL, locked_until = now() + interval '1 minute'",
            "account_locked",
        ),
    ] {
        auth.set(user_id, assignment).await;
        assert_eq!(
            auth.log_in("alice", "not the password").await.0.code(),
            "invalid_credentials"
        );
        let (refused, _) = auth.log_in("alice", PASSWORD).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, code));
    }
}

#[sqlx::test]
async fn wrong_passwords_lock_for_a_while_and_a_login_forgets_them(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    for _ in 0..5 {
        assert_eq!(
            auth.log_in("alice", "not the password").await.0.code(),
            "invalid_credentials"
        );
    }
    let (locked, _) = auth.log_in("alice", PASSWORD).await;
    assert_eq!(locked.code(), "account_locked");
    let seconds: u32 = locked.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    auth.set(user_id, "locked_until = now() - interval '1 second'")
        .await;
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
    let failures: i32 = sqlx::query_scalar("SELECT failures FROM users")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert_eq!(failures, 0);
}

#[sqlx::test]
async fn a_renewal_brings_a_new_token_with_the_roles_of_today(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let (login, session_ref) = auth.log_in("alice", PASSWORD).await;
    auth.set(user_id, "roles = '{user,operator}'").await;
    let first = auth.renew(&session_ref).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_ne!(first.json["access_token"], login.json["access_token"]);
    assert_eq!(first.json["session_id"], login.json["session_id"]);
    auth.renew(&session_ref).await;
    let asked = auth.token_provider.asked("/internal/tokens/refresh");
    assert_eq!(asked[0]["roles"], json!(["user", "operator"]));
    assert_ne!(
        asked[0]["refresh_token"], asked[1]["refresh_token"],
        "each refresh token is used once"
    );
}

#[sqlx::test]
async fn a_session_that_is_over_is_not_renewed(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    assert_eq!(auth.renew(&new_ref()).await.code(), "unknown_session");

    let (_, ended) = auth.log_in("alice", PASSWORD).await;
    for _ in 0..2 {
        let answer = auth
            .gateway("/sessions/end", &json!({ "session_ref": ended }))
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(auth.renew(&ended).await.code(), "session_ended");
    assert!(!auth.token_provider.asked("/internal/tokens/revoke").is_empty());

    let (_, expired) = auth.log_in("alice", PASSWORD).await;
    sqlx::query("UPDATE sessions SET expires_at = now()")
        .execute(&auth.pool)
        .await
        .unwrap();
    assert_eq!(auth.renew(&expired).await.code(), "session_ended");

    let (_, disabled) = auth.log_in("alice", PASSWORD).await;
    auth.set(user_id, "disabled_at = now()").await;
    assert_eq!(auth.renew(&disabled).await.code(), "session_ended");
    auth.set(
        user_id,
        "disabled_at = NULL, locked_until = now() + interval '1 hour'",
    )
    .await;
    assert_eq!(
        auth.renew(&disabled).await.status,
        StatusCode::OK,
        "a lock keeps nobody out who is inside"
    );
}

#[sqlx::test]
async fn only_a_refused_refresh_token_ends_a_session(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    auth.token_provider.refuse("invalid_token");
    assert_eq!(
        auth.renew(&session_ref).await.code(),
        "token_unavailable",
        "our own token was refused"
    );
    auth.token_provider.refuse("refresh_token_reused");
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
}
