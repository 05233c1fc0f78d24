//! A running transaction service in this process, with a database of its own, and in the place of its sidecar a ledger
//! that a test can make slow, broken or unwilling.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
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
use transaction::{AppState, config::Config, recovery};
use uuid::Uuid;

/// The owner of every account that the stub ledger knows.
pub const PAYEE: Uuid = Uuid::from_u128(42);

/// The external account of the stub ledger.
pub const OUTSIDE: Uuid = Uuid::from_u128(99);

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
    /// Whether each call asked for all or none.
    pub atomic: Arc<Mutex<Vec<bool>>>,
}

impl Ledger {
    async fn start(others: Sidecars) -> (Self, u16) {
        let ledger = Self {
            mode: watch::Sender::new(Mode::Apply),
            results: Arc::default(),
            seen: Arc::default(),
            atomic: Arc::default(),
        };
        let router = Router::new()
            .route("/internal/postings", post(answer))
            .with_state(ledger.clone())
            .merge(others.router());
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
            _ => self.applied_result(posting, &id),
        };
        self.results.lock().unwrap().entry(id).or_insert(result).clone()
    }

    /// What the real one answers, without balances. Whoever pays is who asked for it first.
    fn applied_result(&self, posting: &Value, id: &str) -> Value {
        let (payer, from, to) = match posting["hold_id"].as_str() {
            Some(hold) => {
                let hold = &self.results.lock().unwrap()[hold];
                let side = |name: &str| hold[name]["account_id"].clone();
                (hold["from"]["user_id"].clone(), side("from"), side("to"))
            }
            None if posting["kind"] == "refund" => (
                json!(PAYEE),
                posting["from_account_id"].clone(),
                posting["to_account_id"].clone(),
            ),
            None => (
                posting["initiator_user_id"].clone(),
                or_outside(&posting["from_account_id"]),
                or_outside(&posting["to_account_id"]),
            ),
        };
        let user = |account: &Value, owner: Value| {
            if *account == json!(OUTSIDE) {
                Value::Null
            } else {
                owner
            }
        };
        let amount = posting["amount"]["amount_minor"].as_i64().unwrap();
        let entries = match posting["kind"].as_str().unwrap() {
            "hold" | "void" | "expiry" => json!([]),
            _ => {
                json!([{ "account_id": from, "amount_minor": -amount }, { "account_id": to, "amount_minor": amount }])
            }
        };
        json!({ "posting_id": id, "outcome": "applied", "entries": entries,
            "from": { "account_id": from, "user_id": user(&from, payer), "balance_minor": 0 },
            "to": { "account_id": to, "user_id": user(&to, json!(PAYEE)), "balance_minor": 0 } })
    }
}

/// Auth and Account as far as they say who has which name and account.
#[derive(Clone, Default)]
pub struct Sidecars {
    people: Arc<Mutex<HashMap<String, Uuid>>>,
    without_account: Arc<Mutex<HashSet<Uuid>>>,
    broken: Arc<AtomicBool>,
}

/// The account in which a user gets money.
pub fn account_of(user: Uuid) -> Uuid {
    Uuid::from_u128(user.as_u128() ^ 7)
}

impl Sidecars {
    pub fn knows(&self, username: &str, user: Uuid) {
        self.people.lock().unwrap().insert(username.to_owned(), user);
    }

    pub fn forgets(&self, username: &str) {
        self.people.lock().unwrap().remove(username);
    }

    pub fn has_no_account(&self, user: Uuid) {
        self.without_account.lock().unwrap().insert(user);
    }

    /// Whether nobody is told anything.
    pub fn is_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn router(self) -> Router {
        Router::new()
            .route("/internal/usernames", post(username))
            .route("/internal/payee", post(payee))
            .with_state(self)
    }

    fn answer(&self, headers: &HeaderMap, app_id: &str, found: Option<Value>) -> Response {
        assert_eq!(headers["dapr-app-id"], app_id);
        assert_eq!(headers["authorization"], "Bearer outbound");
        match found {
            _ if self.broken.load(Ordering::SeqCst) => StatusCode::BAD_GATEWAY.into_response(),
            Some(found) => Json(found).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

async fn username(State(stub): State<Sidecars>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let wanted = body["username"].as_str().map(|name| name.trim().to_lowercase());
    let found = stub.people.lock().unwrap().iter().find_map(|(name, id)| {
        let fits = wanted.as_ref() == Some(name) || body["user_id"] == json!(id);
        fits.then(|| json!({ "user_id": id, "username": name }))
    });
    stub.answer(&headers, "auth", found)
}

async fn payee(State(stub): State<Sidecars>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(body["currency"], "EUR");
    let user = body["user_id"].as_str().unwrap().parse().unwrap();
    let none = stub.without_account.lock().unwrap().contains(&user);
    let found = (!none).then(|| json!({ "account_id": account_of(user) }));
    stub.answer(&headers, "account", found)
}

fn or_outside(account: &Value) -> Value {
    if account.is_null() {
        json!(OUTSIDE)
    } else {
        account.clone()
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
    ledger.atomic.lock().unwrap().push(body["atomic"] == true);
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
    pub sidecar: Sidecars,
    pub state: AppState,
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
        let others = Sidecars::default();
        let (ledger, port) = Ledger::start(others.clone()).await;
        let issuer = Issuer::new();
        let sidecar = Sidecar::new(port, 1, "api".to_owned(), "app".to_owned()).unwrap();
        let state = AppState::new(
            pool.clone(),
            sidecar,
            issuer.identity("transaction"),
            Relay::default(),
            config,
        );
        Self {
            router: server::bounded(transaction::app(state.clone())),
            issuer,
            pool,
            ledger,
            sidecar: others,
            state,
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

    /// Sends a request with a key of its own.
    pub async fn ask(&self, user: Uuid, path: &str, body: &Value) -> Raw {
        let key = Uuid::now_v7().to_string();
        self.send(path, &self.issuer.user_token(user), Some(&key), body)
            .await
    }

    /// As [`App::ask`], by an operator.
    pub async fn ask_as_operator(&self, path: &str, body: &Value) -> Raw {
        let operator = self
            .issuer
            .token_with_roles(Uuid::now_v7(), &["user", "operator"]);
        let key = Uuid::now_v7().to_string();
        self.send(path, &operator, Some(&key), body).await
    }

    /// The id of a new hold in favour of [`PAYEE`].
    pub async fn hold(&self, payer: Uuid, amount: i64) -> Uuid {
        let held = self.ask(payer, "/holds", &transfer_of(amount)).await;
        assert_eq!(held.status, 201, "{}", held.body);
        held.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// One round of recovery, as if seconds had passed.
    pub async fn recover(&self) -> usize {
        sqlx::query("update transactions set recover_after = now() where state = 'pending'")
            .execute(&self.pool)
            .await
            .unwrap();
        recovery::recover(&self.pool, &self.state.settler).await.unwrap()
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
