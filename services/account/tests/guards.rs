//! Who may call what, and what must never pass.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::{Owned, Walk};
use testkit::{call, request, service_claims, user_claims};
use uuid::Uuid;

use crate::support::App;

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    let app = App::new(pool);
    let holder = app.holder(5).await;
    let account_of = |operation| Owned {
        operation,
        owner: holder.user,
        id: holder.account,
        body: Value::Null,
    };
    // The default account can't be closed.
    let other = json!({ "id": Uuid::now_v7(), "type": "savings", "currency": "EUR" });
    let opened = call(&app.router, request("POST", "/accounts", &holder.token, &other)).await;
    assert_eq!(opened.status, 201);
    Walk {
        router: &app.router,
        issuer: &app.issuer,
        app_id: "account",
        openapi: &account::openapi().unwrap(),
        public: &[],
        owned: &[
            account_of("GET /accounts/{id}"),
            account_of("GET /accounts/{id}/entries"),
            account_of("GET /accounts/{id}/balance"),
            account_of("GET /accounts/{id}/statement"),
            Owned {
                body: json!({ "name": "Mine" }),
                ..account_of("PATCH /accounts/{id}")
            },
            Owned {
                id: other["id"].as_str().unwrap().parse().unwrap(),
                ..account_of("POST /accounts/{id}/close")
            },
        ],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    let app = App::new(pool);
    let routes = [
        ("GET", "/accounts", user_claims(Uuid::now_v7())),
        (
            "POST",
            "/internal/postings",
            service_claims("transaction", "account", "postings:write"),
        ),
    ];
    for (method, path, claims) in routes {
        assert_none_passes(&Target {
            router: &app.router,
            issuer: &app.issuer,
            method,
            path,
            claims,
        })
        .await;
    }
}
