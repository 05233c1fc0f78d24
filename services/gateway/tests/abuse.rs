//! Rate limits, alerts, and whom a request is taken to come from.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use gateway::domain::network::{Proxies, ProxyHeader};
use serde_json::json;
use testkit::{Answer, call};

use crate::support::{Gateway, ORIGIN, problem, request, until};

async fn log_in_from(router: &Router, address: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "username": "alice", "password": "wrong" }).to_string();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let mut request = request("POST", "", "/auth/login", &headers, body.into());
    let peer: SocketAddr = format!("{address}:4711").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    call(router, request).await
}

#[tokio::test]
async fn a_network_that_tries_too_often_has_to_wait_and_others_do_not() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .on("POST auth /login", |_| problem(401, "invalid_credentials"));
    let mut refused = None;
    for host in 0..200 {
        let answer = log_in_from(&gateway.router, &format!("203.0.113.{host}"), &[]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.code(), "rate_limited");
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let reached = gateway.services.seen("POST auth /login").len();
    assert!((100..200).contains(&reached), "{reached}");
    assert_eq!(
        log_in_from(&gateway.router, "198.51.100.1", &[]).await.status,
        401
    );
}

#[tokio::test]
async fn the_network_is_that_of_the_client_only_behind_our_proxies() {
    let gateway = Gateway::start().await;
    let behind = gateway.replica_with(|config| {
        config.proxies = Proxies {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            header: ProxyHeader::XForwardedFor,
        };
    });
    let claimed = [
        ("x-forwarded-for", "198.51.100.7"),
        ("forwarded", "for=192.0.2.1"),
    ];
    log_in_from(&gateway.router, "10.1.1.1", &claimed).await;
    log_in_from(&behind, "10.1.1.1", &claimed).await;
    log_in_from(&behind, "203.0.113.9", &claimed).await;
    let told = gateway.services.seen("POST auth /login");
    let networks = told.iter().map(|seen| seen.json()["client"]["network"].clone());
    assert_eq!(
        networks.collect::<Vec<_>>(),
        ["10.1.1.0/24", "198.51.100.0/24", "203.0.113.0/24"]
    );
}

#[tokio::test]
async fn auth_is_told_the_network_of_whoever_registers_and_no_client_can_tell_it_itself() {
    let gateway = Gateway::start().await;
    gateway
        .services
        .on("POST auth /auth/password-resets", |_| StatusCode::ACCEPTED);
    let headers = [
        ("content-type", "application/json"),
        ("payme-client-network", "6.6.6.0/24"),
    ];
    let answer = gateway
        .send("POST", "", "/auth/password-resets", &headers, "{}")
        .await;
    assert_eq!(answer.status, 202);
    let seen = &gateway.services.seen("POST auth /auth/password-resets")[0];
    assert_eq!(seen.headers["payme-client-network"], "127.0.0.0/24");
    assert_eq!(seen.headers.get_all("payme-client-network").iter().count(), 1);
}

#[tokio::test]
async fn a_mismatch_and_a_foreign_site_raise_one_alert_each() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    for _ in 0..3 {
        let headers = [("x-user-id", "00000000-0000-0000-0000-000000000000")];
        let answer = gateway.send("GET", &cookie, "/accounts", &headers, "").await;
        assert_eq!(answer.code(), "user_id_mismatch");
        let headers = [
            ("origin", "https://evil.example"),
            ("content-type", "application/json"),
        ];
        let answer = gateway
            .send("POST", &cookie, "/transactions", &headers, "{}")
            .await;
        assert_eq!(answer.code(), "csrf_rejected");
    }
    until("two alerts", || gateway.alerts().len() >= 2).await;
    let mut alerts = gateway.alerts();
    alerts.sort_by(|one, other| one.0.cmp(&other.0));
    let user = json!(gateway.user_id);
    assert_eq!(
        alerts,
        [
            ("csrf_rejected".to_owned(), user.clone()),
            ("user_id_mismatch".to_owned(), user)
        ]
    );
}

#[tokio::test]
async fn a_device_is_known_again_and_its_name_is_coarse() {
    let gateway = Gateway::start().await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let headers = [
        ("content-type", "application/json"),
        ("origin", ORIGIN),
        ("user-agent", agent),
    ];
    let body = json!({ "username": "alice", "password": "right" }).to_string();
    let first = gateway
        .send("POST", "", "/auth/login", &headers, body.clone())
        .await;
    let cookies: Vec<_> = first.headers.get_all("set-cookie").iter().collect();
    let device = cookies[1].to_str().unwrap();
    for attribute in [
        "__Host-Http-device=",
        "HttpOnly",
        "Secure",
        "SameSite=Strict",
        "Path=/",
    ] {
        assert!(device.contains(attribute), "{device}");
    }
    let device = device.split(';').next().unwrap();
    gateway
        .send("POST", device, "/auth/login", &headers, body.clone())
        .await;
    gateway.send("POST", "", "/auth/login", &headers, body).await;
    let told = gateway.services.seen("POST auth /login");
    let of = |index: usize| told[index].json()["client"]["device"].clone();
    assert_eq!(of(0), of(1));
    assert_ne!(of(0), of(2));
    assert_eq!(told[0].json()["client"]["device_label"], "Firefox on Linux");
    assert!(!device.contains(of(0).as_str().unwrap()));
}
