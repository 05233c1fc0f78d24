#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and a test that can't go on has to end"
)]
//! The email service in this process, with a database of its own, a mailbox, and the services that it asks. That a mail
//! arrives by SMTP is for the black-box tests.

mod mailbox;
mod others;

use axum::Router;
use axum::http::StatusCode;
use email::{APP_ID, AppState};
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, deliver};
use uuid::Uuid;

pub use mailbox::Mail;

pub const ALICE: Uuid = Uuid::from_u128(1);
/// He has not verified his address.
pub const BOB: Uuid = Uuid::from_u128(2);

pub const REGISTERED: &str = "/events/user-registered";
pub const MADE: &str = "/events/transaction-made";
pub const ALERT: &str = "/events/security-alert";

pub struct Email {
    pub router: Router,
    pub mailbox: mailbox::Mailbox,
    pub others: others::Others,
    pool: PgPool,
}

impl Email {
    pub async fn start(pool: PgPool) -> Self {
        let (others, http_port) = others::Others::start().await;
        let (mailbox, grpc_port) = mailbox::Mailbox::start().await;
        let sidecar = Sidecar::new(http_port, grpc_port, "api".into(), "from-the-sidecar".into()).unwrap();
        let identity = Issuer::new().identity(APP_ID);
        let app = AppState::new(pool.clone(), sidecar, identity, "http://pay.example".into()).unwrap();
        Self {
            router: server::bounded(email::app(app)),
            mailbox,
            others,
            pool,
        }
    }

    /// Delivers an event as the sidecar does.
    pub async fn deliver(&self, path: &str, event: &Value) -> Answer {
        deliver(&self.router, path, "from-the-sidecar", event).await
    }

    /// Delivers an event that succeeds, and gives all mails that were sent until now.
    pub async fn mails_after(&self, path: &str, event: &Value) -> Vec<Mail> {
        let answer = self.deliver(path, event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
        self.mailbox.mails()
    }

    /// Delivers an event that can't be worked on right now, and so comes again.
    pub async fn refused(&self, path: &str, event: &Value) -> String {
        let answer = self.deliver(path, event).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        answer.code().to_owned()
    }

    /// How many mails are noted as sent.
    pub async fn noted(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM mails")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

fn event(kind: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": kind, "source": "test", "subject": "test",
        "time": "2026-01-01T00:00:00Z", "data": data,
    })
}

pub fn registered(user_id: Uuid) -> Value {
    event("payme.user.registered.v1", &json!({ "user_id": user_id }))
}

pub fn made(from: Option<Uuid>, to: Uuid) -> Value {
    let data = json!({
        "transaction_id": Uuid::now_v7(), "kind": "transfer", "from_account_id": null, "to_account_id": Uuid::now_v7(),
        "from_user_id": from, "to_user_id": to, "amount": { "amount_minor": 1250, "currency": "EUR" },
        "completed_at": "2026-01-01T00:00:00Z",
    });
    event("payme.transaction.made.v1", &data)
}

pub fn alert(kind: &str, user_id: Option<Uuid>) -> Value {
    event(
        "payme.security_alert.raised.v1",
        &json!({ "kind": kind, "user_id": user_id }),
    )
}

/// Every event of a topic that was ever published, as tests/contracts/events keeps them.
pub fn earlier_events(topic: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contracts/events");
    let files = std::fs::read_dir(format!("{folder}/{topic}")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let events: Vec<Value> = texts.map(|text| serde_json::from_str(&text).unwrap()).collect();
    assert!(!events.is_empty());
    events
}
