//! Registering, logging in and out.

use axum::Json;
use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Gateway, access, cookie_of, forgets, problem};

fn credentials() -> serde_json::Value {
    json!({ "username": "alice", "password": "right" })
}

#[tokio::test]
async fn a_login_sets_a_cookie_and_tells_no_token() {
    let gateway = Gateway::start().await;
    let answer = gateway.post("", "/auth/login", &credentials()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json,
        json!({ "user_id": gateway.user_id, "first_login": false })
    );
    let header = answer.headers["set-cookie"].to_str().unwrap();
    assert!(header.starts_with("__Host-Http-sid="), "{header}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(header.contains(attribute), "{header}");
    }
    assert!(!header.contains("Domain"), "{header}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!format!("{answer:?}").contains("token-of-login"));
}

#[tokio::test]
async fn the_store_gets_a_sealed_entry_that_ends_with_the_session_and_auth_only_a_digest() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let value = cookie.split_once('=').unwrap().1;
    let [(key, entry)] = &gateway.store.sessions()[..] else {
        panic!("one entry");
    };
    assert!(!entry.value.windows(5).any(|window| window == b"token"));
    assert!((28_700..=28_800).contains(&entry.ttl_s), "{}", entry.ttl_s);
    let at_auth = gateway.services.seen("POST auth /login")[0].json();
    assert_eq!(at_auth["username"], "alice");
    assert_eq!(at_auth["client"]["session_ref"].as_str().unwrap().len(), 64);
    assert_eq!(at_auth["client"]["network"], "127.0.0.0/24");
    for told in [key.clone(), at_auth.to_string()] {
        assert!(!told.contains(value) && !told.contains(&value[..20]));
    }
}

#[tokio::test]
async fn a_wrong_password_is_auths_problem_and_sets_no_cookie() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .on("POST auth /login", |_| problem(401, "invalid_credentials"));
    let answer = gateway.post("", "/auth/login", &credentials()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (401, "invalid_credentials")
    );
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(gateway.store.sessions().is_empty());
}

#[tokio::test]
async fn the_first_login_provisions_and_a_service_that_fails_does_not_fail_it() {
    let gateway = Gateway::start().await;
    let user_id = gateway.user_id;
    gateway.services.on("POST auth /login", move |_| {
        let mut body = access(user_id, "t", 600);
        body["first_login"] = true.into();
        Json(body)
    });
    for service in ["user", "transaction"] {
        let call = format!("POST {service} /internal/provision");
        gateway
            .services
            .on(&call, |_| Json(json!({ "provisioned": true })));
    }
    // As daprd 1.18 has it of one that dies meanwhile.
    gateway
        .services
        .on_bare("POST account /internal/provision", |_| StatusCode::OK);
    let answer = gateway.post("", "/auth/login", &credentials()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["provisioned"],
        json!({ "user": true, "account": false, "transaction": true })
    );
    let told = &gateway.services.seen("POST user /internal/provision")[0];
    assert_eq!(told.json(), json!({ "user_id": user_id }));
    assert_eq!(told.headers["authorization"], "Bearer outbound");
}

#[tokio::test]
async fn a_later_login_provisions_nothing() {
    let gateway = Gateway::start().await;
    gateway.log_in().await;
    assert!(
        gateway
            .services
            .seen("POST account /internal/provision")
            .is_empty()
    );
}

#[tokio::test]
async fn without_the_store_there_is_no_login_and_no_cookie() {
    let gateway = Gateway::start().await;
    gateway.store.set_down(true);
    let answer = gateway.post("", "/auth/login", &credentials()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "session_store_unavailable")
    );
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn other_sites_can_not_log_anybody_in() {
    let gateway = Gateway::start().await;
    let json = ("content-type", "application/json");
    for foreign in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/auth/login", "/auth/register"] {
            let body = json!({ "username": "a", "email": "a@b.c", "password": "p" });
            let body = if path == "/auth/login" {
                credentials()
            } else {
                body
            };
            let answer = gateway
                .send("POST", "", path, &[json, foreign], body.to_string())
                .await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "csrf_rejected"));
        }
    }
    // What a form of another site can send without asking.
    for form in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = [("content-type", form)];
        let answer = gateway
            .send("POST", "", "/auth/login", &headers, credentials().to_string())
            .await;
        assert_eq!(answer.code(), "unsupported_media_type");
    }
    assert!(gateway.services.seen("POST auth /login").is_empty());
}

#[tokio::test]
async fn auths_answer_to_a_registration_is_passed_on() {
    let gateway = Gateway::start().await;
    let body = json!({ "username": "alice", "email": "alice@example.com", "password": "a long password" });
    gateway.services.on("POST auth /auth/register", |_| {
        (StatusCode::CREATED, Json(json!({ "user_id": 1 })))
    });
    let answer = gateway.post("", "/auth/register", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json),
        (201, json!({ "user_id": 1 }))
    );
    assert_eq!(gateway.services.seen("POST auth /auth/register")[0].json(), body);
    gateway
        .services
        .on("POST auth /auth/register", |_| problem(409, "username_taken"));
    let answer = gateway.post("", "/auth/register", &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (409, "username_taken"));
}

#[tokio::test]
async fn when_auth_is_away_daprs_words_stay_inside() {
    let gateway = Gateway::start().await;
    gateway.services.away("POST auth /login");
    let answer = gateway.post("", "/auth/login", &credentials()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "service_unavailable")
    );
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!answer.json.to_string().contains("invoke"), "{answer:?}");
}

#[tokio::test]
async fn a_logout_ends_the_session_everywhere() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let answer = gateway.post(&cookie, "/auth/logout", &json!({})).await;
    assert_eq!(answer.status, 204);
    assert!(forgets(&answer));
    assert!(gateway.store.sessions().is_empty());
    let (began, ended) = (
        gateway.services.seen("POST auth /login")[0].json(),
        gateway.services.seen("POST auth /sessions/end")[0].json(),
    );
    assert_eq!(began["client"]["session_ref"], ended["session_ref"]);
}

#[tokio::test]
async fn a_logout_that_auth_does_not_hear_of_did_not_happen() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.services.away("POST auth /sessions/end");
    let answer = gateway.post(&cookie, "/auth/logout", &json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "service_unavailable")
    );
    assert!(!forgets(&answer));
    assert_eq!(gateway.get(&cookie, "/auth/session").await.status, 200);
}

#[tokio::test]
async fn other_sites_can_not_log_anybody_out_and_who_is_out_may_log_out() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let answer = gateway
        .send("POST", &cookie, "/auth/logout", &[("x-payme-csrf", "1")], "")
        .await;
    assert_eq!((answer.status.as_u16(), answer.code()), (403, "csrf_rejected"));
    assert_eq!(gateway.get(&cookie, "/auth/session").await.status, 200);
    assert_eq!(
        gateway.send("POST", "", "/auth/logout", &[], "").await.status,
        204
    );
}

#[tokio::test]
async fn each_login_is_a_session_of_its_own() {
    let gateway = Gateway::start().await;
    let (one, other) = (gateway.log_in().await, gateway.log_in().await);
    assert_ne!(one, other);
    gateway.post(&one, "/auth/logout", &json!({})).await;
    assert_eq!(gateway.get(&other, "/auth/session").await.status, 200);
    assert_eq!(gateway.store.sessions().len(), 1);
    assert!(cookie_of(&gateway.post("", "/auth/login", &credentials()).await) != one);
}
