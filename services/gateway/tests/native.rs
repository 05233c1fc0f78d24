//! Clients that are no browsers: they hold their own tokens.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{Issuer, user_claims};
use uuid::Uuid;

use crate::support::{Gateway, access, problem};

fn credentials() -> Value {
    json!({ "username": "alice", "password": "right", "client_type": "native", "device_id": "a-phone-of-somebody" })
}

async fn with_native_logins() -> Gateway {
    let gateway = Gateway::start().await;
    let user_id = gateway.user_id;
    gateway.services.on("POST auth /login", move |_| {
        let mut body = access(user_id, "the-access-token", 600);
        body["first_login"] = false.into();
        body["refresh_token"] = "the-refresh-token".into();
        Json(body)
    });
    gateway
}

#[tokio::test]
async fn a_native_client_gets_tokens_and_no_cookie() {
    let gateway = with_native_logins().await;
    let answer = gateway.native("POST", "", "/auth/login", &credentials()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["tokens"]["access_token"], "the-access-token");
    assert_eq!(answer.json["tokens"]["refresh_token"], "the-refresh-token");
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(gateway.store.sessions().is_empty());
    gateway.native("POST", "", "/auth/login", &credentials()).await;
    let told = gateway.services.seen("POST auth /login");
    let (one, two) = (told[0].json(), told[1].json());
    assert!(one["client"].get("session_ref").is_none() && one.get("client_type").is_none());
    assert_eq!(one["client"]["device"], two["client"]["device"]);
    assert!(!one.to_string().contains("a-phone"), "{one}");
}

#[tokio::test]
async fn no_browser_gets_tokens() {
    let gateway = with_native_logins().await;
    let json = ("content-type", "application/json");
    for browser in [
        ("origin", crate::support::ORIGIN),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "cors"),
    ] {
        for (path, body) in [
            ("/auth/login", credentials()),
            ("/auth/token", json!({ "refresh_token": "x" })),
        ] {
            let answer = gateway
                .send("POST", "", path, &[json, browser], body.to_string())
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (403, "native_clients_only"),
                "{path} {browser:?}"
            );
        }
    }
    assert!(gateway.services.seen("POST auth /login").is_empty());
    assert!(gateway.services.seen("POST auth /auth/token").is_empty());
}

#[tokio::test]
async fn the_next_tokens_come_from_auth() {
    let gateway = Gateway::start().await;
    let user_id = gateway.user_id;
    gateway.services.on("POST auth /auth/token", move |_| {
        Json(access(user_id, "next", 600))
    });
    let body = json!({ "refresh_token": "the-refresh-token" });
    let answer = gateway.native("POST", "", "/auth/token", &body).await;
    assert_eq!(answer.json["access_token"], "next", "{answer:?}");
    let seen = &gateway.services.seen("POST auth /auth/token")[0];
    assert_eq!(
        (seen.json(), &seen.headers["authorization"]),
        (body.clone(), &"Bearer outbound".parse().unwrap())
    );
    gateway
        .services
        .on("POST auth /auth/token", |_| problem(401, "session_ended"));
    let answer = gateway.native("POST", "", "/auth/token", &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "session_ended"));
}

#[tokio::test]
async fn its_access_token_is_passed_on_and_needs_no_page_of_ours() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .on("POST transaction /transactions", |_| StatusCode::CREATED);
    let token = Issuer::new().user_token(gateway.user_id);
    let answer = gateway.native("POST", &token, "/transactions", &json!({})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(
        gateway.tokens("POST transaction /transactions"),
        [format!("Bearer {token}")]
    );
    let session = gateway.native("GET", &token, "/auth/session", &Value::Null).await;
    assert_eq!(session.json["user_id"], json!(gateway.user_id));
    assert!(session.json.get("session_expires_at").is_none());
}

#[tokio::test]
async fn a_forged_or_ended_token_reaches_no_service() {
    let gateway = Gateway::start().await;
    let (good, now) = (user_claims(gateway.user_id), chrono::Utc::now().timestamp());
    let expired = identity::Claims {
        exp: now - 60,
        ..good.clone()
    };
    let issuer = Issuer::new();
    for token in [
        "x.y.z".to_owned(),
        Issuer::generate().sign(&good),
        issuer.sign(&expired),
        issuer.sign_as("ott+jwt", &good),
        issuer.service_token("email", "account", "provision"),
    ] {
        let answer = gateway.native("GET", &token, "/accounts", &Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"));
    }
    let token = issuer.sign(&good);
    assert_eq!(
        gateway
            .native("GET", &token, "/accounts", &Value::Null)
            .await
            .status,
        200
    );
    end(&gateway, good.sid.unwrap()).await;
    let answer = gateway.native("GET", &token, "/accounts", &Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "session_ended"));
    assert_eq!(gateway.services.seen("GET account /accounts").len(), 1);
}

async fn end(gateway: &Gateway, session_id: Uuid) {
    let event = json!({ "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.session.revoked.v1", "source": "auth",
        "subject": gateway.user_id, "time": "2026-01-01T00:00:00Z",
        "data": { "user_id": gateway.user_id, "session_id": session_id, "reason": "admin" } });
    let answer = testkit::deliver(&gateway.router, "/events/session-revoked", "app", &event).await;
    assert_eq!(answer.json["status"], "SUCCESS");
}

#[tokio::test]
async fn a_store_that_is_down_does_not_let_tokens_of_ended_sessions_pass() {
    let gateway = Gateway::start().await;
    let token = Issuer::new().user_token(gateway.user_id);
    gateway.store.set_down(true);
    let answer = gateway.native("GET", &token, "/accounts", &Value::Null).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "session_store_unavailable")
    );
}

#[tokio::test]
async fn a_cookie_and_a_token_never_mix() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let token = format!("Bearer {}", Issuer::new().user_token(gateway.user_id));
    for cookie in [cookie.as_str(), "__Host-Http-sid=broken"] {
        for path in ["/accounts", "/auth/session", "/users/me/export"] {
            let answer = gateway
                .send("GET", cookie, path, &[("authorization", &token)], "")
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (400, "mixed_credentials")
            );
        }
    }
    assert!(gateway.services.seen("GET account /accounts").is_empty());
}

#[tokio::test]
async fn a_logout_with_a_token_ends_its_session() {
    let gateway = Gateway::start().await;
    let claims = user_claims(gateway.user_id);
    let sid = claims.sid.unwrap();
    let call = format!("DELETE auth /auth/sessions/{sid}");
    gateway.services.on(&call, move |_| {
        (
            StatusCode::NO_CONTENT,
            [("payme-ended-sessions", sid.to_string())],
        )
    });
    let token = Issuer::new().sign(&claims);
    let answer = gateway.native("POST", &token, "/auth/logout", &json!({})).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(gateway.tokens(&call), [format!("Bearer {token}")]);
    let after = gateway.native("GET", &token, "/auth/session", &Value::Null).await;
    assert_eq!(after.code(), "session_ended");
}
