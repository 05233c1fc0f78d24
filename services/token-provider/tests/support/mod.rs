//! A token provider in this process, with a key and a database of its own.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chrono::Duration;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use token_provider::domain::keys::{KeyAlgorithm, generate};
use token_provider::domain::rotation::Schedule;
use token_provider::keyring::Keyring;
use token_provider::{AppState, Lifetimes};

pub const SCHEDULE: Schedule = Schedule {
    period: Duration::days(90),
    algorithm: KeyAlgorithm::Rs256,
};

pub struct Provider {
    pub router: Router,
    pub keys: Keyring,
}

/// The secret of a new key.
pub fn new_key(algorithm: KeyAlgorithm) -> HashMap<String, String> {
    serde_json::from_value(generate(algorithm).unwrap()).unwrap()
}

impl Provider {
    pub async fn new(pool: PgPool) -> Self {
        Self::with_keys(pool, SCHEDULE, &new_key(KeyAlgorithm::Rs256)).await
    }

    pub async fn with_keys(pool: PgPool, schedule: Schedule, secret: &HashMap<String, String>) -> Self {
        let keys = Keyring::open(pool.clone(), schedule, secret).await.unwrap();
        let clients = ["auth", "gateway"].map(|app| (app.to_owned(), format!("secret-of-{app}")));
        let state = AppState::new(pool, keys.clone(), HashMap::from(clients), Lifetimes::default());
        Self {
            router: server::bounded(token_provider::app(state)),
            keys,
        }
    }

    /// Asks for a service token with these credentials.
    pub async fn service_token(&self, app: &str, secret: &str, form: &str) -> Answer {
        use base64::Engine;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{app}:{secret}"));
        let request = Request::post("/oauth/token")
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        call(&self.router, request).await
    }

    /// A call as auth makes it.
    pub async fn as_auth(&self, path: &str, body: &Value) -> Answer {
        let form = "grant_type=client_credentials&audience=token-provider&scope=tokens:issue";
        let token = self.service_token("auth", "secret-of-auth", form).await.json["access_token"].clone();
        call(&self.router, request("POST", path, token.as_str().unwrap(), body)).await
    }

    pub async fn issue(&self) -> Value {
        let ids = uuid::Uuid::now_v7();
        self.as_auth(
            "/internal/tokens",
            &json!({ "user_id": ids, "session_id": ids, "roles": ["user"] }),
        )
        .await
        .json
    }

    pub async fn refresh(&self, tokens: &Value) -> Answer {
        let body = json!({ "refresh_token": tokens["refresh_token"], "session_id": session_of(tokens), "roles": ["user"] });
        self.as_auth("/internal/tokens/refresh", &body).await
    }
}

/// Lets `days` go by, as far as the keys can tell.
pub async fn days_go_by(pool: &PgPool, days: i64) {
    sqlx::query("UPDATE signing_keys SET published_at = published_at - $1, signs_from = signs_from - $1")
        .bind(sqlx::postgres::types::PgInterval::try_from(Duration::days(days)).unwrap())
        .execute(pool)
        .await
        .unwrap();
}

/// The session that an access token says it is of.
pub fn session_of(tokens: &Value) -> String {
    let claims: Value = claims(tokens["access_token"].as_str().unwrap());
    claims["sid"].as_str().unwrap().to_owned()
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
