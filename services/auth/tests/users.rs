//! Registering, verifying an address, and what Email may ask.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use testkit::Issuer;
use uuid::Uuid;

use crate::support::{Auth, PASSWORD};

#[sqlx::test]
async fn registering_stores_a_hash_and_announces_the_user_once(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let stored = sqlx::query_as("SELECT id, password_hash, roles FROM users");
    let (id, hash, roles): (Uuid, String, Vec<String>) = stored.fetch_one(&auth.pool).await.unwrap();
    assert_eq!((id, roles), (user_id, vec!["user".to_owned()]));
    assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD));
    assert_eq!(auth.events("USER_REGISTERED").await, 1);
    let data: serde_json::Value = sqlx::query_scalar("SELECT data FROM outbox")
        .fetch_one(&auth.pool)
        .await
        .unwrap();
    assert_eq!(data, json!({ "user_id": user_id }), "an event holds ids only");
}

#[sqlx::test]
async fn a_name_that_is_taken_is_refused_in_any_case(pool: PgPool) {
    let auth = Auth::start(pool).await;
    auth.register("alice").await;
    let body = json!({ "username": "ALICE", "email": "other@example.com", "password": PASSWORD });
    let answer = auth.gateway("/auth/register", &body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::CONFLICT, "username_taken")
    );
    assert_eq!(auth.events("USER_REGISTERED").await, 1);
}

#[sqlx::test]
async fn registering_and_logging_in_tell_nobody_whose_address_it_is(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    auth.set(alice, "email_verified_at = now()").await;
    let register = async |username: &str, email: &str| {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        auth.gateway("/auth/register", &body).await
    };
    let taken = register("mallory", "Alice@Example.com").await;
    let free = register("trent", "trent@example.com").await;
    assert_eq!(
        (taken.status, free.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    for name in ["mallory", "trent"] {
        assert_eq!(
            auth.log_in(name, PASSWORD).await.0.status,
            StatusCode::OK,
            "{name}"
        );
    }
    // The owner is told, by mail; the address can't be verified a second time.
    let body = json!({ "user_id": taken.json["user_id"] });
    let mail = auth.email("/internal/email-verifications", &body).await.json;
    assert_eq!(
        (&mail["token"], &mail["taken_by"]),
        (&json!(null), &json!("alice"))
    );
    let mallory: Uuid = taken.json["user_id"].as_str().unwrap().parse().unwrap();
    let token = auth.one_time(mallory, "email_verification", 60);
    let refused = auth
        .gateway("/auth/verify-email", &json!({ "token": token }))
        .await;
    assert_eq!(refused.code(), "one_time_token_invalid");
}

#[sqlx::test]
async fn guessable_passwords_are_refused(pool: PgPool) {
    let auth = Auth::start(pool).await;
    for password in ["passwordpassword", "alexandrina2", "111111111111", "q1w2e3r4t5y6"] {
        let body = json!({ "username": "alexandrina", "email": "a@example.com", "password": password });
        let answer = auth.gateway("/auth/register", &body).await;
        assert_eq!(
            (answer.code(), &answer.json["errors"][0]["field"]),
            ("weak_password", &json!("password"))
        );
    }
}

#[sqlx::test]
async fn a_password_counts_to_its_last_character_and_in_its_case(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let password = "Correct horse battery staple, six wet umbrellas ".repeat(3)[..128].to_owned();
    let body = json!({ "username": "alice", "email": "alice@example.com", "password": password });
    assert_eq!(
        auth.gateway("/auth/register", &body).await.status,
        StatusCode::CREATED
    );
    for almost in [
        password[..127].to_owned(),
        password.to_lowercase(),
        format!("{password} "),
        password.trim_end().to_owned() + "x",
    ] {
        assert_eq!(
            auth.log_in("alice", &almost).await.0.code(),
            "invalid_credentials",
            "{almost}"
        );
    }
    assert_eq!(auth.log_in("alice", &password).await.0.status, StatusCode::OK);
}

#[sqlx::test]
async fn bad_registrations_are_refused_with_the_field(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let good = json!({ "username": "alice", "email": "alice@example.com", "password": PASSWORD });
    for (field, value) in [
        ("username", json!("al")),
        ("username", json!("a@b.example")),
        ("email", json!("nowhere")),
        ("password", json!("eleven char")),
        ("password", json!("x".repeat(129))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = auth.gateway("/auth/register", &body).await;
        assert_eq!(answer.code(), "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], field);
    }
    assert_eq!(auth.events("USER_REGISTERED").await, 0);
}

#[sqlx::test]
async fn an_address_is_verified_once_by_a_token_for_that(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let verify = async |token: String| {
        auth.gateway("/auth/verify-email", &json!({ "token": token }))
            .await
    };
    let forged = Issuer::generate().user_token(user_id);
    let bad = [
        auth.one_time(user_id, "password_reset", 60),
        auth.one_time(user_id, "email_verification", -60),
        auth.issuer.user_token(user_id),
        forged,
        "not a token".to_owned(),
    ];
    for token in bad {
        assert_eq!(verify(token).await.code(), "one_time_token_invalid");
    }
    let token = auth.one_time(user_id, "email_verification", 60);
    assert_eq!(verify(token.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(verify(token).await.code(), "token_already_used");
    let contact = auth
        .email(
            "/internal/contacts",
            &json!({ "user_ids": [user_id, Uuid::now_v7()] }),
        )
        .await
        .json;
    let expected =
        json!({ "user_id": user_id, "username": "alice", "email": "alice@example.com", "verified": true });
    assert_eq!(contact["items"], json!([expected]), "unknown ids are left out");
}

#[sqlx::test]
async fn email_gets_what_its_mail_needs(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let user_id = auth.register("alice").await;
    let answer = auth
        .email("/internal/email-verifications", &json!({ "user_id": user_id }))
        .await;
    assert_eq!(
        (&answer.json["email"], &answer.json["token"]),
        (&json!("alice@example.com"), &json!("one-time"))
    );
    let asked = auth.token_provider.asked("/internal/tokens/one-time");
    assert_eq!(
        (asked.len(), &asked[0]["purpose"]),
        (1, &json!("email_verification"))
    );
    let nobody = auth
        .email(
            "/internal/email-verifications",
            &json!({ "user_id": Uuid::now_v7() }),
        )
        .await;
    assert_eq!(nobody.code(), "unknown_user");
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let checked_in = include_str!("../contract/openapi.json");
    assert_eq!(
        auth::openapi().unwrap().trim(),
        checked_in.trim(),
        "run `make contracts`"
    );
    for (topic, checked_in) in [
        (
            "USER_REGISTERED",
            include_str!("../contract/events/USER_REGISTERED.schema.json"),
        ),
        (
            "USER_LOGGED_IN",
            include_str!("../contract/events/USER_LOGGED_IN.schema.json"),
        ),
        (
            "SESSION_REVOKED",
            include_str!("../contract/events/SESSION_REVOKED.schema.json"),
        ),
        (
            "SECURITY_ALERT",
            include_str!("../contract/events/SECURITY_ALERT.schema.json"),
        ),
    ] {
        assert_eq!(
            auth::events_schema(topic).unwrap().trim(),
            checked_in.trim(),
            "run `make contracts`"
        );
    }
}

#[sqlx::test]
async fn transaction_learns_who_has_a_name_and_what_the_name_of_somebody_is(pool: PgPool) {
    let auth = Auth::start(pool).await;
    let alice = auth.register("alice").await;
    auth.set(alice, "email_verified_at = now()").await;
    let token = auth
        .issuer
        .service_token("transaction", auth::APP_ID, "usernames:read");
    let ask = async |body: serde_json::Value| {
        testkit::call(
            &auth.router,
            testkit::request("POST", "/internal/usernames", &token, &body),
        )
        .await
    };
    let found = json!({ "user_id": alice, "username": "alice" });
    for body in [json!({ "username": " Alice " }), json!({ "user_id": alice })] {
        let answer = ask(body).await;
        assert_eq!((answer.status, &answer.json), (StatusCode::OK, &found));
    }
    // A verified address logs in as a name does, but tells nobody whose it is.
    for body in [
        json!({ "username": "nobody" }),
        json!({ "username": "alice@example.com" }),
        json!({ "username": "" }),
        json!({ "user_id": Uuid::now_v7() }),
    ] {
        let answer = ask(body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::NOT_FOUND, "unknown_user")
        );
    }
    for body in [json!({}), json!({ "username": "alice", "user_id": alice })] {
        assert_eq!(ask(body).await.code(), "invalid_request");
    }
    auth.set(alice, "disabled_at = now()").await;
    assert_eq!(ask(json!({ "username": "alice" })).await.code(), "unknown_user");
    auth.set(alice, "disabled_at = null, deleted_at = now()").await;
    assert_eq!(ask(json!({ "username": "alice" })).await.code(), "unknown_user");
    assert_eq!(ask(json!({ "user_id": alice })).await.code(), "unknown_user");
}
