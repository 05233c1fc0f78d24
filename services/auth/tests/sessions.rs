//! Logging in, going on, and ending.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Auth, PASSWORD, login, new_ref, within_one_window};

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
    let mut by_address = login("", PASSWORD);
    by_address.as_object_mut().unwrap().remove("username");
    by_address["email"] = json!("Alice@example.com");
    let unverified = auth.gateway("/login", &by_address).await;
    assert_eq!(
        unverified.code(),
        "invalid_credentials",
        "an address counts once it is verified"
    );
    auth.set(user_id, "email_verified_at = now()").await;
    let second = auth.gateway("/login", &by_address).await;
    assert_eq!(
        (second.status, &second.json["first_login"]),
        (StatusCode::OK, &json!(false))
    );
    assert_ne!(second.json["session_id"], first.json["session_id"]);
    assert_eq!(auth.events("USER_LOGGED_IN").await, 2);
    let mut both = login("alice", PASSWORD);
    both["email"] = json!("alice@example.com");
    let mut neither = login("alice", PASSWORD);
    neither.as_object_mut().unwrap().remove("username");
    let mut short = login("alice", PASSWORD);
    short["client"]["session_ref"] = json!("short");
    for body in [both, neither, short] {
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
    auth.register("alice").await;
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
    let alerts = auth.alerts().await;
    assert_eq!((alerts.len(), &alerts[0]["kind"]), (1, &json!("account_locked")));
    // Guesses during the lock make it no longer, and are not told of it.
    for _ in 0..3 {
        assert_eq!(
            auth.log_in("alice", "not the password").await.0.code(),
            "invalid_credentials"
        );
    }
    auth.minutes_go_by(1).await;
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
    assert_eq!(
        auth.log_in("alice", "not the password").await.0.code(),
        "invalid_credentials"
    );
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.status,
        StatusCode::OK,
        "counted from the start"
    );
}

#[sqlx::test]
async fn a_stranger_can_not_lock_a_device_that_the_owner_is_known_by(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let own = new_ref();
    assert_eq!(
        auth.log_in_from(&own, "alice", PASSWORD).await.0.status,
        StatusCode::OK
    );
    for _ in 0..6 {
        auth.log_in("alice", "not the password").await;
    }
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.code(), "account_locked");
    assert_eq!(
        auth.log_in_from(&own, "alice", PASSWORD).await.0.status,
        StatusCode::OK
    );
}

#[sqlx::test]
async fn a_login_from_a_new_device_is_told_to_the_owner(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let own = new_ref();
    auth.log_in_from(&own, "alice", PASSWORD).await;
    auth.log_in_from(&own, "alice", PASSWORD).await;
    assert!(
        auth.alerts().await.is_empty(),
        "neither the first login nor a known device"
    );
    let (other, _) = auth.log_in("alice", PASSWORD).await;
    let alerts = auth.alerts().await;
    let expected = json!({ "kind": "new_device_login", "user_id": other.json["user_id"],
        "session_id": other.json["session_id"], "device": "Firefox on Linux" });
    assert_eq!(alerts, [expected]);
}

#[sqlx::test]
async fn tries_are_limited_before_anything_is_hashed(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    within_one_window().await;
    for _ in 0..20 {
        assert_eq!(
            auth.log_in("nobody", "not the password").await.0.code(),
            "invalid_credentials"
        );
    }
    let (limited, _) = auth.log_in("nobody", "not the password").await;
    assert_eq!(
        (limited.status, limited.code()),
        (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
    );
    let seconds: u32 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.status,
        StatusCode::OK,
        "others go on"
    );
    // From other networks the same account has a limit of its own.
    within_one_window().await;
    let mut body = login("alice", "not the password");
    let mut codes = std::collections::BTreeSet::new();
    for network in 0..70 {
        body["client"]["network"] = json!(format!("198.51.{network}.0/24"));
        codes.insert(auth.gateway("/login", &body).await.code().to_owned());
    }
    assert!(codes.contains("rate_limited"), "{codes:?}");
    let mut session = json!({ "user_id": user_id, "session_id": Uuid::now_v7() });
    session["session_id"] = json!(Uuid::now_v7());
    let wrong = json!({ "password": "not the password" });
    within_one_window().await;
    for _ in 0..20 {
        let refused = auth
            .user(&session, "POST", "/auth/confirm-password", &wrong)
            .await;
        assert_eq!(refused.code(), "wrong_password");
    }
    let limited = auth
        .user(&session, "POST", "/auth/confirm-password", &wrong)
        .await;
    assert_eq!(limited.code(), "rate_limited");
}

#[sqlx::test]
async fn many_accounts_tried_from_one_network_raise_one_alert(pool: PgPool) {
    let auth = Auth::start(pool).await;
    within_one_window().await;
    for name in 0..25 {
        auth.log_in(&format!("somebody{name}"), "not the password").await;
    }
    assert_eq!(auth.alerts().await, [json!({ "kind": "credential_stuffing" })]);
}

#[sqlx::test]
async fn an_unverified_address_keeps_out_where_that_is_asked_for(pool: PgPool) {
    let config = auth::config::Config {
        require_verified_email: true,
        ..Default::default()
    };
    let auth = Auth::with(pool, config).await;
    let user_id = auth.register("alice").await;
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.code(), "email_unverified");
    assert_eq!(
        auth.log_in("alice", "not the password").await.0.code(),
        "invalid_credentials"
    );
    auth.set(user_id, "email_verified_at = now()").await;
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
}

#[sqlx::test]
async fn the_session_that_a_login_replaces_ends(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (old, old_ref) = auth.log_in("alice", PASSWORD).await;
    let mut body = login("alice", PASSWORD);
    body["client"]["session_ref"] = json!(new_ref());
    body["client"]["replaces"] = json!(old_ref);
    let new = auth.gateway("/login", &body).await;
    assert_eq!(
        new.headers["payme-ended-sessions"],
        old.json["session_id"].as_str().unwrap()
    );
    assert_eq!(auth.renew(&old_ref).await.code(), "session_ended");
}

#[sqlx::test]
async fn a_client_that_is_no_browser_holds_its_own_refresh_token(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let first = auth.gateway("/login", &login("alice", PASSWORD)).await.json;
    let refresh = async |token: &serde_json::Value| {
        auth.gateway("/auth/token", &json!({ "refresh_token": token }))
            .await
    };
    let second = refresh(&first["refresh_token"]).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_ne!(second.json["refresh_token"], first["refresh_token"]);
    assert_ne!(second.json["access_token"], first["access_token"]);
    let stored: Option<Vec<u8>> = sqlx::query_scalar("SELECT refresh_token FROM sessions")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert_eq!(stored, None, "nobody else has it");
    for bad in [json!("nonsense"), json!(format!("{}.x", Uuid::now_v7()))] {
        assert_eq!(refresh(&bad).await.code(), "session_ended");
    }
    auth.token_provider.refuse("refresh_token_reused");
    let replayed = refresh(&first["refresh_token"]).await;
    assert_eq!(replayed.code(), "session_ended");
    let told = replayed.headers["payme-ended-sessions"].to_str().unwrap();
    assert_eq!(
        json!(told),
        first["session_id"],
        "the gateway does not wait for the event"
    );
    assert_eq!(auth.alerts().await[0]["kind"], "refresh_token_reused");
    assert_eq!(auth.events("SESSION_REVOKED").await, 1);
    auth.token_provider.accept();
    assert_eq!(
        refresh(&second.json["refresh_token"]).await.code(),
        "session_ended",
        "the whole session ended"
    );
}

#[sqlx::test]
async fn refresh_tokens_of_browsers_are_sealed(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (login, _) = auth.log_in("alice", PASSWORD).await;
    assert!(login.json.get("refresh_token").is_none());
    let stored: Vec<u8> = sqlx::query_scalar("SELECT refresh_token FROM sessions")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("refresh-"));
}

#[sqlx::test]
async fn a_session_that_nobody_uses_ends(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    let age = "UPDATE sessions SET last_used_at = now() - interval '61 minutes'";
    sqlx::query(age).execute(&auth.pool).await.unwrap();
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
}

#[sqlx::test]
async fn one_sees_and_ends_ones_own_sessions_only(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    auth.register("mallory").await;
    let (here, here_ref) = auth.log_in("alice", PASSWORD).await;
    let (there, there_ref) = auth.log_in("alice", PASSWORD).await;
    let (mallory, _) = auth.log_in("mallory", PASSWORD).await;
    let list = auth
        .user(&here.json, "GET", "/auth/sessions", &json!(null))
        .await
        .json;
    let items = list["items"].as_array().unwrap();
    let current: Vec<_> = items.iter().filter(|item| item["current"] == true).collect();
    assert_eq!((items.len(), current.len()), (2, 1));
    assert_eq!(
        (&current[0]["id"], &current[0]["client"]),
        (&here.json["session_id"], &json!("browser"))
    );

    let path = format!("/auth/sessions/{}", there.json["session_id"].as_str().unwrap());
    let unknown = format!("/auth/sessions/{}", Uuid::now_v7());
    let of_another = auth.user(&mallory.json, "DELETE", &path, &json!(null)).await;
    let of_nobody = auth.user(&mallory.json, "DELETE", &unknown, &json!(null)).await;
    assert_eq!(
        (of_another.status, &of_another.json),
        (of_nobody.status, &of_nobody.json)
    );
    assert_eq!(of_another.code(), "unknown_session");

    assert_eq!(
        auth.user(&here.json, "DELETE", &path, &json!(null)).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(auth.renew(&there_ref).await.code(), "session_ended");
    assert_eq!(auth.renew(&here_ref).await.status, StatusCode::OK);
    let everywhere = auth
        .user(&here.json, "DELETE", "/auth/sessions", &json!(null))
        .await;
    assert_eq!(
        everywhere.headers["payme-ended-sessions"],
        here.json["session_id"].as_str().unwrap()
    );
    assert_eq!(auth.renew(&here_ref).await.code(), "session_ended");
    assert_eq!(auth.events("SESSION_REVOKED").await, 2);
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
    assert_eq!(
        auth.events("SESSION_REVOKED").await,
        1,
        "once, however often it is asked for"
    );

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
