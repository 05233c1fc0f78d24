//! Who may call what, and what must never pass.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::forgeries::{Target, assert_none_passes};
use testkit::guards::{Owned, Walk};
use testkit::{service_claims, user_claims};
use uuid::Uuid;

use crate::support::{App, PAYEE, transfer_of};

#[sqlx::test]
async fn each_route_lets_in_whom_the_contract_names_and_nobody_else(pool: PgPool) {
    let app = App::new(pool).await;
    let payer = Uuid::now_v7();
    let made = app.transfer(payer, "key", &transfer_of(5)).await.json();
    let of = |made: &Value| made["id"].as_str().unwrap().parse().unwrap();
    let (captured, voided) = (app.hold(payer, 5).await, app.hold(payer, 5).await);
    app.sidecar.knows("payee", PAYEE);
    app.sidecar.knows("payer", payer);
    let mut requests = Vec::new();
    for _ in 0..3 {
        let asking = json!({ "payer_username": "payer", "amount": { "amount_minor": 5, "currency": "EUR" } });
        requests.push(of(&app.ask(PAYEE, "/payment-requests", &asking).await.json()));
    }
    let first_at = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let mut scheduling = transfer_of(5);
    scheduling["first_at"] = json!(first_at);
    scheduling["every"] = json!("week");
    let schedule = of(&app.ask(payer, "/schedules", &scheduling).await.json());
    let cancelled = of(&app.ask(payer, "/schedules", &scheduling).await.json());
    let contact = of(&app
        .ask(payer, "/contacts", &json!({ "username": "payee" }))
        .await
        .json());
    app.sidecar.knows("other", Uuid::from_u128(78));
    let forgotten = of(&app
        .ask(payer, "/contacts", &json!({ "username": "other" }))
        .await
        .json());
    let owned = |operation, owner, id| Owned {
        operation,
        owner,
        id,
        body: json!({}),
    };
    Walk {
        router: &app.router,
        issuer: &app.issuer,
        app_id: "transaction",
        openapi: &transaction::openapi().unwrap(),
        public: &[],
        owned: &[
            owned("GET /transactions/{id}", payer, of(&made)),
            owned("POST /transactions/{id}/refunds", PAYEE, of(&made)),
            owned("GET /payment-requests/{id}", payer, requests[0]),
            Owned {
                body: json!({ "from_account_id": Uuid::from_u128(1) }),
                ..owned("POST /payment-requests/{id}/pay", payer, requests[0])
            },
            owned("POST /payment-requests/{id}/decline", payer, requests[1]),
            owned("POST /payment-requests/{id}/cancel", PAYEE, requests[2]),
            Owned {
                body: json!({ "alias": "friend" }),
                ..owned("PATCH /contacts/{id}", payer, contact)
            },
            owned("DELETE /contacts/{id}", payer, forgotten),
            owned("GET /schedules/{id}", payer, schedule),
            Owned {
                body: json!({ "state": "paused" }),
                ..owned("PATCH /schedules/{id}", payer, schedule)
            },
            owned("DELETE /schedules/{id}", payer, cancelled),
            owned("GET /holds/{id}", payer, captured),
            owned("POST /holds/{id}/capture", PAYEE, captured),
            owned("POST /holds/{id}/void", PAYEE, voided),
        ],
    }
    .assert_guarded()
    .await;
}

#[sqlx::test]
async fn no_forged_token_passes(pool: PgPool) {
    let app = App::new(pool).await;
    let routes = [
        ("GET", "/transactions", user_claims(Uuid::now_v7())),
        (
            "POST",
            "/internal/provision",
            service_claims("gateway", "transaction", "provision"),
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
