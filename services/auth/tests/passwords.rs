//! Changing and resetting passwords, and the second factor.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::Answer;
use totp_rs::{Builder, Secret};
use uuid::Uuid;

use crate::support::{Auth, PASSWORD, login, within_one_window};

const NEW_PASSWORD: &str = "staple battery horse correct";

/// The code of an authenticator app, `steps` of 30 seconds from now.
fn code(secret: &Value, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    let totp = Builder::new()
        .with_secret(secret)
        .with_account_name("x")
        .build()
        .unwrap();
    let at = chrono::Utc::now().timestamp() + 30 * steps;
    totp.generate(at.try_into().unwrap()).to_string()
}

impl Auth {
    async fn log_in_with(&self, username: &str, factor: &str, code: &str) -> Answer {
        let mut body = login(username, PASSWORD);
        body[factor] = json!(code);
        self.gateway("/login", &body).await
    }

    /// Sets a second factor up; gives its secret and the recovery codes.
    async fn second_factor(&self, session: &Value) -> (Value, Value) {
        let started = self
            .user(session, "POST", "/auth/totp", &json!({ "password": PASSWORD }))
            .await;
        let secret = started.json["secret"].clone();
        let body = json!({ "code": code(&secret, 0) });
        let confirmed = self.user(session, "POST", "/auth/totp/confirm", &body).await;
        assert_eq!(confirmed.status, StatusCode::OK, "{confirmed:?}");
        // As if the code before it had been used: nobody has to wait for the next one.
        let user_id = session["user_id"].as_str().unwrap().parse().unwrap();
        self.set(user_id, "totp_last_step = totp_last_step - 1").await;
        (secret, confirmed.json["recovery_codes"].clone())
    }
}

#[sqlx::test]
async fn a_new_password_ends_the_other_sessions(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (here, here_ref) = auth.log_in("alice", PASSWORD).await;
    let (_, there_ref) = auth.log_in("alice", PASSWORD).await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        auth.user(&here.json, "PUT", "/auth/password", &body).await
    };
    assert_eq!(
        change("not the password", NEW_PASSWORD).await.code(),
        "wrong_password"
    );
    assert_eq!(
        change(PASSWORD, "alice@example.com").await.code(),
        "weak_password"
    );
    assert_eq!(
        change(PASSWORD, NEW_PASSWORD).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(auth.renew(&there_ref).await.code(), "session_ended");
    assert_eq!(auth.renew(&here_ref).await.status, StatusCode::OK);
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.code(),
        "invalid_credentials"
    );
    assert_eq!(auth.log_in("alice", NEW_PASSWORD).await.0.status, StatusCode::OK);
    assert!(
        auth.alerts()
            .await
            .iter()
            .any(|alert| alert["kind"] == "password_changed")
    );
}

#[sqlx::test]
async fn a_reset_is_answered_alike_for_everybody_and_mailed_to_verified_addresses(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    let bob = auth.register("bob").await;
    auth.set(alice, "email_verified_at = now()").await;
    let ask = async |name: &str| {
        let body = json!({ "email": format!("{name}@example.com") });
        auth.gateway("/auth/password-resets", &body).await
    };
    within_one_window().await;
    for name in ["alice", "bob", "nobody"] {
        let answer = ask(name).await;
        assert_eq!(
            (answer.status, &answer.json),
            (StatusCode::ACCEPTED, &Value::Null),
            "{name}"
        );
    }
    let requested = json!({ "kind": "password_reset_requested" });
    let for_alice = json!({ "kind": "password_reset_requested", "user_id": alice });
    assert_eq!(auth.alerts().await, [for_alice, requested.clone(), requested]);
    let mail = auth
        .email("/internal/password-resets", &json!({ "user_id": alice }))
        .await;
    assert_eq!(mail.json["email"], "alice@example.com");
    for nobody in [bob, Uuid::now_v7()] {
        let answer = auth
            .email("/internal/password-resets", &json!({ "user_id": nobody }))
            .await;
        assert_eq!(answer.code(), "unknown_user");
    }
    for _ in 0..2 {
        ask("alice").await;
    }
    assert_eq!(ask("alice").await.code(), "rate_limited");
}

#[sqlx::test]
async fn a_reset_token_sets_one_password_once(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    let (_, session_ref) = auth.log_in("alice", PASSWORD).await;
    let reset = async |token: String, password: &str| {
        let body = json!({ "token": token, "new_password": password });
        auth.gateway("/auth/password-resets/confirm", &body).await
    };
    for bad in [
        auth.one_time(alice, "email_verification", 60),
        auth.one_time(alice, "password_reset", -60),
        auth.one_time(Uuid::now_v7(), "password_reset", 60),
        auth.issuer.user_token(alice),
        "not a token".to_owned(),
    ] {
        assert_eq!(reset(bad, NEW_PASSWORD).await.code(), "one_time_token_invalid");
    }
    let token = auth.one_time(alice, "password_reset", 60);
    assert_eq!(
        reset(token.clone(), "alice12345678").await.code(),
        "weak_password"
    );
    let (one, other) = tokio::join!(
        reset(token.clone(), NEW_PASSWORD),
        reset(token.clone(), NEW_PASSWORD)
    );
    let mut codes = [one.code(), other.code()];
    codes.sort_unstable();
    assert_eq!(codes, ["", "token_already_used"], "two at once");
    assert_eq!(auth.renew(&session_ref).await.code(), "session_ended");
    assert_eq!(auth.log_in("alice", NEW_PASSWORD).await.0.status, StatusCode::OK);
    // A token of before the change is void, also one that was never used.
    auth.set(alice, "password_changed_at = now() + interval '1 hour'")
        .await;
    let older = auth.one_time(alice, "password_reset", 60);
    assert_eq!(reset(older, PASSWORD).await.code(), "one_time_token_invalid");
}

#[sqlx::test]
async fn a_second_factor_is_asked_for_after_the_right_password_only(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (session, _) = auth.log_in("alice", PASSWORD).await;
    let (secret, _) = auth.second_factor(&session.json).await;
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.code(),
        "second_factor_required"
    );
    assert_eq!(
        auth.log_in("alice", "not the password").await.0.code(),
        "invalid_credentials"
    );
    assert_eq!(
        auth.log_in_with("alice", "code", "000000").await.code(),
        "second_factor_invalid"
    );
    let good = code(&secret, 0);
    assert_eq!(
        auth.log_in_with("alice", "code", &good).await.status,
        StatusCode::OK
    );
    assert_eq!(
        auth.log_in_with("alice", "code", &good).await.code(),
        "second_factor_invalid",
        "once"
    );
    let old = code(&secret, -1);
    assert_eq!(
        auth.log_in_with("alice", "code", &old).await.code(),
        "second_factor_invalid",
        "an older one"
    );
    for _ in 0..3 {
        auth.log_in_with("alice", "code", "000000").await;
    }
    assert_eq!(
        auth.log_in_with("alice", "code", "000000").await.code(),
        "account_locked"
    );
}

#[sqlx::test]
async fn recovery_codes_are_good_once_and_the_owner_is_told(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (session, _) = auth.log_in("alice", PASSWORD).await;
    let (secret, codes) = auth.second_factor(&session.json).await;
    assert_eq!(codes.as_array().unwrap().len(), 10);
    let first = codes[0].as_str().unwrap();
    assert_eq!(
        auth.log_in_with("alice", "recovery_code", first).await.status,
        StatusCode::OK
    );
    assert_eq!(
        auth.log_in_with("alice", "recovery_code", first).await.code(),
        "second_factor_invalid"
    );
    let used: Vec<_> = auth
        .alerts()
        .await
        .into_iter()
        .filter(|alert| alert["kind"] == "recovery_code_used")
        .collect();
    assert_eq!(used.len(), 1, "a wrong one raises none");

    let again = json!({ "password": PASSWORD, "code": code(&secret, 0) });
    let anew = auth
        .user(&session.json, "POST", "/auth/recovery-codes", &again)
        .await;
    assert_eq!(anew.json["recovery_codes"].as_array().unwrap().len(), 10);
    let second = codes[1].as_str().unwrap();
    assert_eq!(
        auth.log_in_with("alice", "recovery_code", second).await.code(),
        "second_factor_invalid"
    );
}

#[sqlx::test]
async fn a_second_factor_is_set_up_and_taken_off_with_the_password(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (session, _) = auth.log_in("alice", PASSWORD).await;
    let post = async |path: &str, body: Value| auth.user(&session.json, "POST", path, &body).await;
    assert_eq!(
        post("/auth/totp/confirm", json!({ "code": "000000" }))
            .await
            .code(),
        "second_factor_not_started"
    );
    assert_eq!(
        post("/auth/totp", json!({ "password": "not it" })).await.code(),
        "wrong_password"
    );
    let recovery = post("/auth/recovery-codes", json!({ "password": PASSWORD })).await;
    assert_eq!(recovery.code(), "second_factor_inactive");
    let started = post("/auth/totp", json!({ "password": PASSWORD })).await;
    assert!(
        started.json["otpauth_url"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/PayMe:alice?")
    );
    assert_eq!(
        auth.log_in("alice", PASSWORD).await.0.status,
        StatusCode::OK,
        "not in use before it is confirmed"
    );
    assert_eq!(
        post("/auth/totp/confirm", json!({ "code": "000000" }))
            .await
            .code(),
        "second_factor_invalid"
    );
    let (secret, _) = auth.second_factor(&session.json).await;
    let again = json!({ "password": PASSWORD, "code": code(&secret, 0) });
    assert_eq!(post("/auth/totp", again).await.code(), "second_factor_active");
    let stored: Vec<u8> = sqlx::query_scalar("SELECT totp_secret FROM users")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert!(stored.len() > 20, "sealed");
    assert_eq!(
        post("/auth/totp/disable", json!({ "password": "not it" }))
            .await
            .code(),
        "wrong_password"
    );
    let again = json!({ "password": PASSWORD, "code": code(&secret, 1) });
    for _ in 0..2 {
        let off = post("/auth/totp/disable", again.clone()).await;
        assert_eq!(off.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(auth.log_in("alice", PASSWORD).await.0.status, StatusCode::OK);
    let told: Vec<_> = auth
        .alerts()
        .await
        .into_iter()
        .filter(|alert| alert["kind"] == "second_factor_changed")
        .collect();
    assert_eq!(told.len(), 2, "on, and off once");
}

#[sqlx::test]
async fn a_reset_leaves_the_second_factor_on(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    let (session, _) = auth.log_in("alice", PASSWORD).await;
    let (secret, _) = auth.second_factor(&session.json).await;
    let token = auth.one_time(alice, "password_reset", 60);
    let body = json!({ "token": token, "new_password": NEW_PASSWORD });
    let reset = auth.gateway("/auth/password-resets/confirm", &body).await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT, "{reset:?}");
    let alone = auth.log_in("alice", NEW_PASSWORD).await.0;
    assert_eq!(alone.code(), "second_factor_required");
    let mut body = login("alice", NEW_PASSWORD);
    body["code"] = json!(code(&secret, 0));
    assert_eq!(auth.gateway("/login", &body).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn whoever_has_a_second_factor_shows_it_again_where_the_password_is(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let (session, _) = auth.log_in("alice", PASSWORD).await;
    let (secret, recovery) = auth.second_factor(&session.json).await;
    let ask =
        async |method: &str, path: &str, body: Value| auth.user(&session.json, method, path, &body).await;
    let change = |more: Value| {
        let mut body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (method, path, body) in [
        ("PUT", "/auth/password", change(json!({}))),
        ("POST", "/auth/totp/disable", json!({ "password": PASSWORD })),
        ("POST", "/auth/recovery-codes", json!({ "password": PASSWORD })),
        ("POST", "/auth/confirm-password", json!({ "password": PASSWORD })),
    ] {
        assert_eq!(
            ask(method, path, body).await.code(),
            "second_factor_required",
            "{path}"
        );
    }
    let before = auth.alerts().await.len();
    let wrong = ask("PUT", "/auth/password", change(json!({ "code": "000000" }))).await;
    assert_eq!(wrong.code(), "second_factor_invalid");
    let alerts = auth.alerts().await;
    assert_eq!(
        (alerts.len(), &alerts[before]["kind"]),
        (before + 1, &json!("second_factor_failed"))
    );
    let right = ask(
        "PUT",
        "/auth/password",
        change(json!({ "code": code(&secret, 0) })),
    )
    .await;
    assert_eq!(right.status, StatusCode::NO_CONTENT, "{right:?}");
    let body = json!({ "password": NEW_PASSWORD, "recovery_code": recovery[0] });
    let off = ask("POST", "/auth/totp/disable", body).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{off:?}");
}
