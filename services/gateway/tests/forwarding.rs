//! What is passed on to the services and back, and what is not.

use axum::Json;
use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Gateway, ORIGIN, problem};

const PAGE: [(&str, &str); 3] = [
    ("x-payme-csrf", "1"),
    ("sec-fetch-site", "same-origin"),
    ("content-type", "application/json"),
];

#[tokio::test]
async fn only_listed_headers_reach_a_service_and_the_token_is_the_sessions() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway
        .services
        .on("POST transaction /transactions?x=1", |_| StatusCode::CREATED);
    let user_id = gateway.user_id.to_string();
    let extra = [
        ("idempotency-key", "k1"),
        ("accept", "application/json"),
        ("x-user-id", user_id.as_str()),
        ("dapr-app-id", "auth"),
        ("dapr-api-token", "forged"),
        ("dapr-caller-app-id", "auth"),
        ("forwarded", "for=1.2.3.4"),
        ("origin", ORIGIN),
    ];
    let headers = [&PAGE[..], &extra].concat();
    let answer = gateway
        .send("POST", &cookie, "/transactions?x=1", &headers, "{\"a\":1}")
        .await;
    assert_eq!(answer.status, 201);

    let seen = &gateway.services.seen("POST transaction /transactions?x=1")[0];
    assert_eq!(seen.body, b"{\"a\":1}");
    assert_eq!(seen.headers["authorization"], "Bearer token-of-login");
    assert_eq!(seen.headers["idempotency-key"], "k1");
    assert_eq!(seen.headers["dapr-api-token"], "api");
    let mut names: Vec<_> = seen.headers.keys().map(axum::http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "dapr-api-token",
            "dapr-app-id",
            "host",
            "idempotency-key"
        ]
    );
    assert_eq!(seen.headers.get_all("authorization").iter().count(), 1);
}

#[tokio::test]
async fn only_listed_headers_come_back() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.services.on("GET account /accounts", |_| {
        let headers = [
            ("location", "/accounts/1"),
            ("retry-after", "3"),
            ("set-cookie", "a=b"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "public"),
            ("x-inner", "1"),
        ];
        (headers, Json(json!({ "items": [1] })))
    });
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(answer.json, json!({ "items": [1] }));
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "cache-control: no-store",
            "content-length: 13",
            "content-security-policy: default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; sandbox",
            "content-type: application/json",
            "cross-origin-resource-policy: same-origin",
            "location: /accounts/1",
            "referrer-policy: no-referrer",
            "retry-after: 3",
            "strict-transport-security: max-age=63072000; includeSubDomains",
            "x-content-type-options: nosniff",
        ]
    );
}

#[tokio::test]
async fn a_services_problem_is_passed_on_as_it_is() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway
        .services
        .on("GET account /accounts", |_| problem(404, "account_not_found"));
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (404, "account_not_found")
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn daprs_own_errors_are_not_passed_on() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.services.away("GET account /accounts");
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "service_unavailable")
    );
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!answer.json.to_string().contains("invoke"), "{answer:?}");
}

#[tokio::test]
async fn a_service_that_is_slow_is_told_from_one_that_is_away() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    gateway.services.on("GET account /accounts", |_| {
        // daprd 1.18, when the policy `call` of dapr/resiliency ends the call.
        let text = "failed to invoke, id: account, err: context deadline exceeded";
        let body = json!({ "errorCode": "ERR_DIRECT_INVOKE", "message": text });
        (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
    });
    let answer = gateway.get(&cookie, "/accounts").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (504, "upstream_timeout"));
}

#[tokio::test]
async fn a_service_that_refuses_the_gateways_token_logs_nobody_out() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    for code in ["invalid_token", "missing_token"] {
        gateway
            .services
            .on("GET account /accounts", move |_| problem(401, code));
        let answer = gateway.get(&cookie, "/accounts").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (503, "service_unavailable")
        );
        assert!(!answer.headers.contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn unsafe_requests_have_to_come_from_our_pages() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let json = ("content-type", "application/json");
    let cases: [&[_]; 5] = [
        &[json],
        &[json, ("x-payme-csrf", "1")],
        &[json, ("origin", ORIGIN)],
        &[json, ("x-payme-csrf", "1"), ("sec-fetch-site", "same-site")],
        &[json, ("x-payme-csrf", "1"), ("origin", "null")],
    ];
    for headers in cases {
        for (method, path) in [
            ("POST", "/transactions"),
            ("POST", "/top-ups"),
            ("PATCH", "/users/me"),
        ] {
            let answer = gateway.send(method, &cookie, path, headers, "{}").await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (403, "csrf_rejected"),
                "{path} {headers:?}"
            );
        }
    }
    assert!(gateway.services.seen("POST transaction /transactions").is_empty());
}

#[tokio::test]
async fn nothing_else_is_reachable() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let paths = [
        "/internal/provision",
        "/internal/postings",
        "/events/user-registered",
        "/v1.0/invoke/auth/method/login",
        "/sessions/renew",
        "/oauth/token",
        "/.well-known/jwks.json",
        "/accounts/../internal/provision",
        "//accounts",
    ];
    for path in paths {
        let answer = gateway.send("POST", &cookie, path, &PAGE, "{}").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (404, "not_found"),
            "{path}"
        );
    }
    for path in [
        "/accounts/x",
        "/accounts/%2e%2e",
        "/accounts/a%2Fb/entries",
        "/transactions/..%2finternal",
    ] {
        let answer = gateway.get(&cookie, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "invalid_path"),
            "{path}"
        );
    }
    for (method, path) in [
        ("DELETE", "/users/me"),
        ("PUT", "/accounts"),
        ("OPTIONS", "/accounts"),
    ] {
        let answer = gateway.send(method, &cookie, path, &PAGE, "").await;
        assert_eq!(answer.code(), "method_not_allowed", "{method} {path}");
        let cors = |name: &str| name.starts_with("access-control");
        assert!(!answer.headers.keys().any(|name| cors(name.as_str())));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let body = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    let answer = gateway
        .send("POST", &cookie, "/transactions", &PAGE, body(64 * 1024))
        .await;
    assert_eq!((answer.status.as_u16(), answer.code()), (413, "body_too_large"));
    gateway
        .services
        .on("POST transaction /transactions", |_| StatusCode::CREATED);
    let answer = gateway
        .send("POST", &cookie, "/transactions", &PAGE, body(64 * 1024 - 2))
        .await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_on_its_way_is_not_passed_on() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    for (length, status) in [("13", 200), ("14", 503)] {
        gateway.services.on("GET account /accounts", move |_| {
            let headers = [("payme-body-bytes", length), ("content-type", "application/json")];
            (headers, r#"{"items": []}"#)
        });
        assert_eq!(gateway.get(&cookie, "/accounts").await.status, status);
    }
}

/// daprd 1.18 makes an empty 200 of it when a service dies before it answers.
#[tokio::test]
async fn a_success_that_no_service_has_said_is_none() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let transfer = "POST transaction /transactions";
    gateway.services.on_bare(transfer, |_| StatusCode::OK);
    let answer = gateway.send("POST", &cookie, "/transactions", &PAGE, "{}").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "service_unavailable")
    );
    gateway.services.on(transfer, |_| StatusCode::OK);
    assert_eq!(
        gateway
            .send("POST", &cookie, "/transactions", &PAGE, "{}")
            .await
            .status,
        200
    );
}
