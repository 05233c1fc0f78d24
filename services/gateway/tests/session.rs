//! `GET /auth/session`: whose session a cookie is, and what happens when the cache does not know.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Gateway, forgets, problem};

#[tokio::test]
async fn a_cookie_tells_whose_session_it_is() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let answer = gateway.get(&cookie, "/auth/session").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["user_id"], json!(gateway.user_id));
    assert!(answer.json["session_id"].is_string() && answer.json["session_expires_at"].is_string());
    assert_eq!(answer.json.as_object().unwrap().len(), 3, "{answer:?}");
    assert!(gateway.services.seen("POST auth /sessions/renew").is_empty());
}

#[tokio::test]
async fn without_a_cookie_nobody_is_logged_in() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("", "/auth/session").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "not_logged_in"));
    // Nothing to forget; a login in another tab may be setting one right now.
    assert!(!forgets(&answer));
}

#[tokio::test]
async fn a_broken_cookie_is_told_and_forgotten() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let broken = [
        "__Host-Http-sid=",
        "__Host-Http-sid=x",
        &cookie[..cookie.len() - 1],
        &format!("{cookie}A"),
    ];
    for broken in broken {
        for path in ["/auth/session", "/accounts"] {
            let answer = gateway.get(broken, path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (401, "invalid_session_cookie"),
                "{broken}"
            );
            assert!(forgets(&answer));
        }
    }
}

#[tokio::test]
async fn a_session_goes_on_through_auth_when_the_cache_has_lost_it() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.store.entries.lock().unwrap().clear();
    for _ in 0..3 {
        assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
    }
    assert_eq!(gateway.services.seen("POST auth /sessions/renew").len(), 1);
    assert_eq!(
        gateway.tokens("GET account /accounts"),
        ["Bearer token-of-renewal"; 3]
    );
}

#[tokio::test]
async fn swapped_and_damaged_entries_open_for_nobody() {
    let gateway = Gateway::start().await;
    let (one, other) = (gateway.log_in().await, gateway.log_in().await);
    {
        let mut entries = gateway.store.entries.lock().unwrap();
        let keys: Vec<_> = entries.keys().filter(|key| !key.contains(':')).cloned().collect();
        let first = entries[&keys[0]].clone();
        let second = entries.insert(keys[1].clone(), first).unwrap();
        entries.insert(keys[0].clone(), second);
    }
    gateway
        .services
        .on("POST auth /sessions/renew", |_| problem(404, "unknown_session"));
    for cookie in [one, other] {
        assert_eq!(gateway.get(&cookie, "/accounts").await.code(), "not_logged_in");
    }
    assert!(gateway.services.seen("GET account /accounts").is_empty());
}

#[tokio::test]
async fn the_id_of_a_session_without_its_key_is_worth_nothing() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let before = gateway.store.sessions()[0].1.value.clone();
    gateway
        .services
        .on("POST auth /sessions/renew", |_| problem(404, "unknown_session"));
    let (id, key) = cookie.split_at("__Host-Http-sid=".len() + 22);
    let forged = format!("{id}{}", key.chars().rev().collect::<String>());
    assert_eq!(gateway.get(&forged, "/accounts").await.code(), "not_logged_in");
    assert!(
        gateway.store.sessions()[0].1.value == before,
        "the owner's entry is untouched"
    );
    assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
}

#[tokio::test]
async fn a_session_that_is_over_is_forgotten() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.store.entries.lock().unwrap().clear();
    for (status, code) in [(401, "session_ended"), (404, "unknown_session")] {
        gateway
            .services
            .on("POST auth /sessions/renew", move |_| problem(status, code));
        let answer = gateway.get(&cookie, "/accounts").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "not_logged_in"));
        assert!(forgets(&answer));
    }
}

#[tokio::test]
async fn an_entry_does_not_outlive_its_session_even_if_the_store_keeps_it() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.age(&cookie, 60, 500, -1);
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "not_logged_in"));
    assert!(forgets(&answer));
}

#[tokio::test]
async fn a_store_that_is_down_says_nothing_about_the_session() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.store.set_down(true);
    for path in ["/auth/session", "/accounts"] {
        let answer = gateway.get(&cookie, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (503, "session_store_unavailable")
        );
        assert!(answer.headers.contains_key("retry-after"));
        assert!(!forgets(&answer));
    }
    gateway.store.set_down(false);
    assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
}

#[tokio::test]
async fn an_auth_that_is_away_or_at_odds_with_us_ends_no_session() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.store.entries.lock().unwrap().clear();
    gateway.services.away("POST auth /sessions/renew");
    let check = async || {
        let answer = gateway.get(&cookie, "/accounts").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (503, "service_unavailable")
        );
        assert!(!forgets(&answer));
    };
    check().await;
    // Auth refuses the gateway's own token, has no such route, or has a fault.
    for (status, code) in [
        (401, "invalid_token"),
        (404, "not_found"),
        (403, "forbidden"),
        (500, "internal_error"),
    ] {
        gateway
            .services
            .on("POST auth /sessions/renew", move |_| problem(status, code));
        check().await;
    }
}

#[tokio::test]
async fn a_user_id_has_to_match_and_is_no_credential() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let (own, foreign) = (gateway.user_id.to_string(), Uuid::now_v7().to_string());
    let cases = [
        (cookie.as_str(), own.as_str(), 200, ""),
        (&cookie, &foreign, 403, "user_id_mismatch"),
        (&cookie, "x", 403, "user_id_mismatch"),
        ("", &own, 401, "not_logged_in"),
    ];
    for (cookie, user_id, status, code) in cases {
        let answer = gateway
            .send("GET", cookie, "/accounts", &[("x-user-id", user_id)], "")
            .await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code));
        assert_eq!(answer.json["items"].is_array(), status == 200);
    }
    // A read with the cookie may go out before its user id is looked at, always as the session's own user.
    let tokens = gateway.tokens("GET account /accounts");
    assert!(
        tokens.iter().all(|token| token == "Bearer token-of-login"),
        "{tokens:?}"
    );
}
