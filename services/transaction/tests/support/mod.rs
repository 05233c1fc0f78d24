//! A running transaction service in this process, with a database of its own, and in the place of its sidecar a ledger
//! that a test can make slow, broken or unwilling.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test file uses a part of it, and a test that can't go on has to end"
)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, Utc};
use outbox::Relay;
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request};
use tokio::sync::watch;
use tower::ServiceExt;
use transaction::{AppState, config::Config, recovery, settler::Settler};
use uuid::Uuid;

/// The owner of every account that the stub ledger knows.
pub const PAYEE: Uuid = Uuid::from_u128(42);

/// How the stub ledger behaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    Apply,
    Refuse(&'static str),
    /// Answers 503 and does nothing.
    Down,
    /// Applies, but the answer is lost.
    LoseAnswer,
    /// Waits until the mode changes.
    Hang,
}

/// Applies an id at most once, as the real one.
#[derive(Clone)]
pub struct Ledger {
    pub mode: watch::Sender<Mode>,
    results: Arc<Mutex<HashMap<String, Value>>>,
    pub seen: Arc<Mutex<Vec<Value>>>,
}

impl Ledger {
    async fn start() -> (Self, u16) {
        let ledger = Self {
            mode: watch::Sender::new(Mode::Apply),
            results: Arc::default(),
            seen: Arc::default(),
        };
        let router = Router::new()
            .route("/internal/postings", post(answer))
            .with_state(ledger.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (ledger, port)
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many different postings it has applied.
    pub fn applied(&self) -> usize {
        self.results
            .lock()
            .unwrap()
            .values()
            .filter(|result| result["outcome"] == "applied")
            .count()
    }

    fn result(&self, posting: &Value, mode: &Mode) -> Value {
        let id = posting["posting_id"].as_str().unwrap().to_owned();
        let result = match mode {
            Mode::Refuse(code) => json!({ "posting_id": id, "outcome": "refused", "code": code }),
            _ => json!({ "posting_id": id, "outcome": "applied",
                "from": { "account_id": posting["from_account_id"], "user_id": null, "balance_minor": 0 },
                "to": { "account_id": posting["to_account_id"], "user_id": PAYEE, "balance_minor": 0 } }),
        };
        self.results.lock().unwrap().entry(id).or_insert(result).clone()
    }
}

async fn answer(State(ledger): State<Ledger>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(headers["dapr-app-id"], "account");
    assert_eq!(headers["authorization"], "Bearer outbound");
    let postings = body["postings"].as_array().unwrap();
    ledger.seen.lock().unwrap().extend(postings.iter().cloned());
    let mut changes = ledger.mode.subscribe();
    let mode = changes
        .wait_for(|mode| *mode != Mode::Hang)
        .await
        .unwrap()
        .clone();
    if mode == Mode::Down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let results: Vec<_> = postings
        .iter()
        .map(|posting| ledger.result(posting, &mode))
        .collect();
    if mode == Mode::LoseAnswer {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(json!({ "results": results })).into_response()
}

pub struct App {
    pub router: Router,
    pub issuer: Issuer,
    pub pool: PgPool,
    pub ledger: Ledger,
    pub settler: Settler,
}

/// An answer with its body as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    pub status: u16,
    pub media_type: String,
    pub body: String,
}

impl Raw {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl App {
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, Config { sandbox_top_up: true }).await
    }

    pub async fn with(pool: PgPool, config: Config) -> Self {
        let (ledger, port) = Ledger::start().await;
        let issuer = Issuer::new();
        let sidecar = Sidecar::new(port, 1, "api".to_owned(), "app".to_owned()).unwrap();
        let state = AppState::new(
            pool.clone(),
            sidecar,
            issuer.identity("transaction"),
            Relay::default(),
            config,
        );
        let settler = state.settler.clone();
        Self {
            router: server::bounded(transaction::app(state)),
            issuer,
            pool,
            ledger,
            settler,
        }
    }

    pub async fn get(&self, path: &str, user: Uuid) -> Answer {
        call(
            &self.router,
            request("GET", path, &self.issuer.user_token(user), &Value::Null),
        )
        .await
    }

    pub async fn send(&self, path: &str, token: &str, key: Option<&str>, body: &Value) -> Raw {
        send(self.router.clone(), path, token, key, body).await
    }

    pub async fn transfer(&self, user: Uuid, key: &str, body: &Value) -> Raw {
        self.send("/transactions", &self.issuer.user_token(user), Some(key), body)
            .await
    }

    /// One round of recovery, as if seconds had passed.
    pub async fn recover(&self) -> usize {
        sqlx::query("update transactions set recover_after = now() where state = 'pending'")
            .execute(&self.pool)
            .await
            .unwrap();
        recovery::recover(&self.pool, &self.settler).await.unwrap()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// When the first of the pending transactions may be taken by a recovery worker.
    pub async fn leased_until(&self) -> DateTime<Utc> {
        let query = "select min(recover_after) from transactions where state = 'pending'";
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// Waits until a recovery worker has taken all pending transactions.
    pub async fn until_leased_beyond(&self, before: DateTime<Utc>) {
        let taken = async {
            while self.leased_until().await <= before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken)
            .await
            .expect("a worker took them");
    }

    /// Waits until the ledger has been asked for so many postings.
    pub async fn until_seen(&self, postings: usize) {
        let seen = async {
            while self.ledger.seen.lock().unwrap().len() < postings {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), seen)
            .await
            .expect("the ledger was asked");
    }
}

pub async fn send(router: Router, path: &str, token: &str, key: Option<&str>, body: &Value) -> Raw {
    let mut request = request("POST", path, token, body);
    if let Some(key) = key {
        request
            .headers_mut()
            .insert("idempotency-key", key.parse().unwrap());
    }
    raw(router, request).await
}

async fn raw(router: Router, request: Request<Body>) -> Raw {
    let response = router.oneshot(request).await.unwrap();
    Raw {
        status: response.status().as_u16(),
        media_type: response.headers()["content-type"].to_str().unwrap().to_owned(),
        body: String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap(),
    }
}

pub fn transfer_of(amount: i64) -> Value {
    json!({ "from_account_id": Uuid::from_u128(1), "to_account_id": Uuid::from_u128(2),
            "amount": { "amount_minor": amount, "currency": "EUR" }, "description": "Lunch" })
}
