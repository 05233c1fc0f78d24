//! When an access token is renewed, and who waits for it.

use axum::Json;
use testkit::call;

use crate::support::{Gateway, access, problem, request, until};

const RENEW: &str = "POST auth /sessions/renew";
const ACCOUNTS: &str = "GET account /accounts";

#[tokio::test]
async fn a_fresh_token_is_used_as_it_is() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.age(&cookie, 300, 300, 20_000);
    gateway.get(&cookie, "/accounts").await;
    assert_eq!(gateway.tokens(ACCOUNTS), ["Bearer token-of-login"]);
    assert!(gateway.services.seen(RENEW).is_empty());
}

#[tokio::test]
async fn in_the_last_fifth_requests_go_on_and_one_task_renews() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.age(&cookie, 500, 100, 20_000);
    let other = gateway.replica();
    let requests = (0..20).map(|number| {
        let router = if number % 2 == 0 { &gateway.router } else { &other };
        let (router, request) = (
            router.clone(),
            request("GET", &cookie, "/accounts", &[], "".into()),
        );
        tokio::spawn(async move { call(&router, request).await.status })
    });
    for answer in requests.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), 200);
    }
    until("the token is renewed", || {
        !gateway.services.seen(RENEW).is_empty()
    })
    .await;
    let waiting = async {
        loop {
            gateway.get(&cookie, "/accounts").await;
            if gateway.tokens(ACCOUNTS).last().unwrap() == "Bearer token-of-renewal" {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting)
        .await
        .unwrap();
    assert_eq!(gateway.services.seen(RENEW).len(), 1);
}

#[tokio::test]
async fn a_renewal_ahead_that_fails_harms_no_request() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.age(&cookie, 500, 100, 20_000);
    gateway.services.on(RENEW, |_| problem(503, "busy"));
    for _ in 0..5 {
        assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
    }
    until("a renewal was tried", || !gateway.services.seen(RENEW).is_empty()).await;
    assert!(
        gateway
            .tokens(ACCOUNTS)
            .iter()
            .all(|token| token == "Bearer token-of-login")
    );
}

#[tokio::test]
async fn nobody_is_served_a_token_that_is_about_to_end() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    for ends_in_s in [14, 0, -600] {
        gateway.age(&cookie, 590, ends_in_s, 20_000);
        assert_eq!(gateway.get(&cookie, "/accounts").await.status, 200);
    }
    assert_eq!(gateway.tokens(ACCOUNTS), ["Bearer token-of-renewal"; 3]);
}

#[tokio::test]
async fn the_renewed_token_is_that_of_the_same_session() {
    let gateway = Gateway::start().await;
    let (one, other) = (gateway.log_in().await, gateway.log_in().await);
    let user_id = gateway.user_id;
    gateway.services.on(RENEW, move |seen| {
        let session = seen.json()["session_ref"].as_str().unwrap().to_owned();
        Json(access(user_id, &session, 600))
    });
    gateway.store.entries.lock().unwrap().clear();
    gateway.get(&one, "/accounts").await;
    gateway.get(&other, "/accounts").await;
    let began = gateway.services.seen("POST auth /login");
    let refs = began.iter().map(|seen| {
        format!(
            "Bearer {}",
            seen.json()["client"]["session_ref"].as_str().unwrap()
        )
    });
    assert_eq!(gateway.tokens(ACCOUNTS), refs.collect::<Vec<_>>());
}
