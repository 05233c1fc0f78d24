//! The email service in this process, with a database of its own, a mailbox, and the services that it asks. That a mail
//! arrives by SMTP is for the black-box tests.

mod mailbox;
mod others;

use axum::Router;
use email::{APP_ID, AppState, Next, Worker};
use serde_json::{Value, json};
use server::Background;
use sidecar::Sidecar;
use sqlx::PgPool;
use std::num::NonZeroU32;
use testkit::{Answer, Issuer, call, deliver, request};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use mailbox::Mail;

pub const ALICE: Uuid = Uuid::from_u128(1);
/// He has not verified his address.
pub const BOB: Uuid = Uuid::from_u128(2);

pub const REGISTERED: &str = "/events/user-registered";
pub const MADE: &str = "/events/transaction-made";
pub const REQUESTED: &str = "/events/payment-request-changed";
pub const READY: &str = "/events/statement-ready";
pub const ALERT: &str = "/events/security-alert";

pub struct Email {
    pub router: Router,
    pub mailbox: mailbox::Mailbox,
    pub others: others::Others,
    pub issuer: Issuer,
    pub pool: PgPool,
    state: AppState,
}

impl Email {
    pub async fn start(pool: PgPool) -> Self {
        let (others, http_port) = others::Others::start().await;
        let (mailbox, grpc_port) = mailbox::Mailbox::start().await;
        let sidecar = Sidecar::new(http_port, grpc_port, "api".into(), "from-the-sidecar".into()).unwrap();
        let issuer = Issuer::new();
        let state = AppState::new(
            pool.clone(),
            sidecar,
            issuer.identity(APP_ID),
            "http://pay.example".into(),
        )
        .unwrap();
        Self {
            router: server::bounded(email::app(state.clone())),
            mailbox,
            others,
            issuer,
            pool,
            state,
        }
    }

    /// Delivers an event as the sidecar does.
    pub async fn deliver(&self, path: &str, event: &Value) -> Answer {
        deliver(&self.router, path, "from-the-sidecar", event).await
    }

    /// Delivers an event that succeeds, and only queues its mails.
    pub async fn queued_by(&self, path: &str, event: &Value) {
        let answer = self.deliver(path, event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
    }

    /// Delivers an event that succeeds, and gives all mails that were sent until now.
    pub async fn mails_after(&self, path: &str, event: &Value) -> Vec<Mail> {
        self.queued_by(path, event).await;
        assert_eq!(self.work().await, Next::Rest);
        self.mailbox.mails()
    }

    /// Lets a worker send until nothing is due, or nothing can be sent.
    pub async fn work(&self) -> Next {
        let mut worker = Worker::new(self.state.clone(), NonZeroU32::new(1_000).unwrap());
        loop {
            match worker.turn(&CancellationToken::new()).await {
                Ok(Next::Again) => {}
                Ok(next) => return next,
                Err(_) => return Next::Pause,
            }
        }
    }

    /// Lets the service work as it does when it serves.
    pub fn work_on(&self, background: &Background) {
        email::work(&self.state, NonZeroU32::new(20).unwrap(), background);
    }

    /// As if so much time had passed.
    pub async fn pass(&self, interval: &str) {
        sqlx::query(
            "UPDATE mails SET next_attempt_at = next_attempt_at - $1::text::interval, created_at = created_at - $1::text::interval,
             give_up_at = give_up_at - $1::text::interval, finished_at = finished_at - $1::text::interval",
        )
        .bind(interval)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// What operators see of the mails in a state, newest first.
    pub async fn in_state(&self, state: &str) -> Vec<Value> {
        let path = format!("/admin/mails?state={state}");
        let answer = self.admin("GET", &path).await;
        answer.json["items"].as_array().unwrap().clone()
    }

    pub async fn admin(&self, method: &str, path: &str) -> Answer {
        let token = self
            .issuer
            .token_with_roles(Uuid::now_v7(), &["user", "operator"]);
        call(&self.router, request(method, path, &token, &Value::Null)).await
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

pub fn requested(state: &str, requester: Uuid, payer: Uuid) -> Value {
    let data = json!({
        "payment_request_id": Uuid::now_v7(), "state": state, "requester_user_id": requester, "payer_user_id": payer,
        "amount": { "amount_minor": 1250, "currency": "EUR" }, "expires_at": "2026-01-15T00:00:00Z",
        "changed_at": "2026-01-01T00:00:00Z",
    });
    event("payme.payment_request.changed.v1", &data)
}

pub fn ready(user_id: Uuid, month: &str) -> Value {
    let data = json!({
        "user_id": user_id, "account_id": Uuid::from_u128(7), "month": month,
        "opening": { "amount_minor": -250, "currency": "EUR" }, "closing": { "amount_minor": 1250, "currency": "EUR" },
    });
    event("payme.statement.ready.v1", &data)
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
