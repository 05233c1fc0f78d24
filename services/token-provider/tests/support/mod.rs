#![allow(clippy::unwrap_used, reason = "a test that can't be set up has to end")]
//! A token provider in this process, with a key and a database of its own.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{Answer, call, request};
use token_provider::domain::keys::{Keys, generate};
use token_provider::{AppState, Lifetimes};

pub struct Provider {
    pub router: Router,
}

impl Provider {
    pub fn new(pool: PgPool) -> Self {
        let keys = Keys::parse(&serde_json::from_value(generate().unwrap()).unwrap()).unwrap();
        let clients = ["auth", "gateway"].map(|app| (app.to_owned(), format!("secret-of-{app}")));
        let state = AppState::new(pool, keys, HashMap::from(clients), Lifetimes::default());
        Self {
            router: server::bounded(token_provider::app(state)),
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
        let body = json!({ "refresh_token": tokens["refresh_token"], "roles": ["user"] });
        self.as_auth("/internal/tokens/refresh", &body).await
    }
}
