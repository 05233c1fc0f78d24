//! The auth service in this process, with a database of its own, and in the place of its sidecar a Token Provider that a
//! test can make refuse. There is no state store: the token cache then only saves nothing.

use std::sync::{Arc, Mutex};

use auth::config::Config;
use auth::{APP_ID, AppState};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{Duration, Utc};
use outbox::Relay;
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;
use testkit::{Answer, Issuer, call, request, user_claims};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse battery staple";

pub struct Auth {
    pub router: Router,
    pub pool: PgPool,
    pub issuer: Issuer,
    pub token_provider: TokenProvider,
}

/// Answers as Token Provider does, and notes what it was asked.
#[derive(Clone, Default)]
pub struct TokenProvider {
    pub asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// The code with which refreshes are refused, if they are.
    pub refusal: Arc<Mutex<Option<&'static str>>>,
}

impl TokenProvider {
    async fn start(&self) -> u16 {
        let router = Router::new()
            .route("/{*path}", post(answer))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }

    pub fn refuse(&self, code: &'static str) {
        *self.refusal.lock().unwrap() = Some(code);
    }

    pub fn accept(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// The bodies of the requests to a path.
    pub fn asked(&self, path: &str) -> Vec<Value> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|(at, _)| at == path)
            .map(|(_, body)| body.clone())
            .collect()
    }
}

async fn answer(
    State(stub): State<TokenProvider>,
    uri: axum::http::Uri,
    Json(body): Json<Value>,
) -> Response {
    stub.asked
        .lock()
        .unwrap()
        .push((uri.path().to_owned(), body.clone()));
    if uri.path() == "/internal/tokens/refresh"
        && let Some(code) = *stub.refusal.lock().unwrap()
    {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "code": code }))).into_response();
    }
    let expires_at = Utc::now() + Duration::minutes(10);
    if uri.path() == "/internal/tokens/one-time" {
        return Json(json!({ "token": "one-time", "expires_at": expires_at })).into_response();
    }
    let token = |kind: &str| format!("{kind}-{}", Uuid::now_v7());
    Json(json!({
        "access_token": token("access"), "access_expires_at": expires_at,
        "refresh_token": token("refresh"), "refresh_expires_at": Utc::now() + Duration::days(30),
    }))
    .into_response()
}

/// Tries are counted in windows that begin at each full five minutes. If one ends soon, waits for the next: so what comes after
/// this is counted together.
pub async fn within_one_window() {
    const SOON: u64 = 40;
    let left = 300 - u64::try_from(Utc::now().timestamp()).unwrap() % 300;
    if left < SOON {
        tokio::time::sleep(std::time::Duration::from_secs(left)).await;
    }
}

impl Auth {
    pub async fn start(pool: PgPool) -> Self {
        Self::with(pool, Config::default()).await
    }

    pub async fn with(pool: PgPool, config: Config) -> Self {
        let token_provider = TokenProvider::default();
        let port = token_provider.start().await;
        let sidecar = Sidecar::new(port, 1, "api".into(), "app".into()).unwrap();
        let issuer = Issuer::new();
        let (relay, _not_run) = Relay::new(pool.clone(), sidecar.clone(), APP_ID);
        let app = AppState::new(
            pool.clone(),
            sidecar,
            issuer.identity(APP_ID),
            relay,
            seal::Key::new([7; seal::KEY_LEN]),
            config,
        )
        .unwrap();
        Self {
            router: server::bounded(auth::app(app)),
            pool,
            issuer,
            token_provider,
        }
    }

    /// A call as the gateway makes it.
    pub async fn gateway(&self, path: &str, body: &Value) -> Answer {
        let token = self.issuer.service_token("gateway", APP_ID, "auth:sessions");
        call(&self.router, request("POST", path, &token, body)).await
    }

    /// A call as Email makes it.
    pub async fn email(&self, path: &str, body: &Value) -> Answer {
        let token = self.issuer.service_token("email", APP_ID, "contacts:read");
        call(&self.router, request("POST", path, &token, body)).await
    }

    /// Registers somebody and gives the user id.
    pub async fn register(&self, username: &str) -> Uuid {
        let body =
            json!({ "username": username, "email": format!("{username}@example.com"), "password": PASSWORD });
        let answer = self.gateway("/auth/register", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json["user_id"].as_str().unwrap().parse().unwrap()
    }

    /// Tries to log in from a browser that was never seen, under a session name that is new.
    pub async fn log_in(&self, username: &str, password: &str) -> (Answer, String) {
        self.log_in_from(&new_ref(), username, password).await
    }

    /// As [`Auth::log_in`], from a device of a test's choice.
    pub async fn log_in_from(&self, device: &str, username: &str, password: &str) -> (Answer, String) {
        let session_ref = new_ref();
        let mut body = login(username, password);
        body["client"]["session_ref"] = json!(session_ref);
        body["client"]["device"] = json!(device);
        (self.gateway("/login", &body).await, session_ref)
    }

    /// A call of a user, in a session.
    pub async fn user(&self, session: &Value, method: &str, path: &str, body: &Value) -> Answer {
        let claims = identity::Claims {
            sid: session["session_id"].as_str().map(|id| id.parse().unwrap()),
            ..user_claims(session["user_id"].as_str().unwrap().parse().unwrap())
        };
        call(
            &self.router,
            request(method, path, &self.issuer.sign(&claims), body),
        )
        .await
    }

    /// A call of an administrator.
    pub async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = self.issuer.token_with_roles(Uuid::now_v7(), &["admin"]);
        call(&self.router, request(method, path, &token, body)).await
    }

    /// The data of the alerts that wait in the outbox, oldest first.
    pub async fn alerts(&self) -> Vec<Value> {
        let data = sqlx::query_scalar("SELECT data FROM outbox WHERE topic = 'SECURITY_ALERT' ORDER BY seq");
        data.fetch_all(&self.pool).await.unwrap()
    }

    /// Lets time go by for wrong passwords.
    pub async fn minutes_go_by(&self, minutes: i32) {
        sqlx::query("UPDATE failed_logins SET last_failed_at = last_failed_at - make_interval(mins => $1)")
            .bind(minutes)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn renew(&self, session_ref: &str) -> Answer {
        self.gateway("/sessions/renew", &json!({ "session_ref": session_ref }))
            .await
    }

    /// A one-time token as Token Provider signs it, bent by the test.
    pub fn one_time(&self, user_id: Uuid, purpose: &str, expires_in_s: i64) -> String {
        let claims = identity::Claims {
            aud: APP_ID.to_owned(),
            exp: Utc::now().timestamp() + expires_in_s,
            sid: None,
            roles: Vec::new(),
            purpose: Some(purpose.to_owned()),
            ..user_claims(user_id)
        };
        self.issuer.sign_as("ott+jwt", &claims)
    }

    /// How many events of a topic wait in the outbox.
    pub async fn events(&self, topic: &str) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE topic = $1");
        count.bind(topic).fetch_one(&self.pool).await.unwrap()
    }

    /// Changes a user's row, as an operator's tool would.
    pub async fn set(&self, user_id: Uuid, assignment: &'static str) {
        let statement = sqlx::AssertSqlSafe(format!("UPDATE users SET {assignment} WHERE id = $1"));
        sqlx::query(statement)
            .bind(user_id)
            .execute(&self.pool)
            .await
            .unwrap();
    }
}

/// The name of a session, as the gateway makes it.
pub fn new_ref() -> String {
    Uuid::now_v7().simple().to_string().repeat(2)
}

/// The body of a login from a client that holds its own tokens, for a test to bend.
pub fn login(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password,
        "client": { "device": new_ref(), "device_label": "Firefox on Linux", "network": "192.0.2.0/24" } })
}
