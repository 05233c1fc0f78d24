//! Tokens for calls to other services: OAuth 2.0 client credentials (RFC 6749 §4.4), cached per audience and scope.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use sidecar::Sidecar;
use tokio::sync::{Mutex, RwLock};

pub struct Outbound {
    source: Source,
    cached: RwLock<HashMap<(&'static str, &'static str), Token>>,
    /// One fetch at a time: those who wait find the token that it brought.
    fetching: Mutex<()>,
}

enum Source {
    TokenProvider {
        sidecar: Box<Sidecar>,
        app_id: &'static str,
        client_secret: String,
    },
    Preset(String),
}

struct Token {
    jwt: String,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds, RFC 6749 §5.1.
    expires_in: u64,
}

impl Outbound {
    pub fn new(sidecar: Sidecar, app_id: &'static str, client_secret: String) -> Self {
        Self::of(Source::TokenProvider {
            sidecar: Box::new(sidecar),
            app_id,
            client_secret,
        })
    }

    pub fn preset(token: String) -> Self {
        Self::of(Source::Preset(token))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            cached: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    pub async fn bearer(&self, audience: &'static str, scope: &'static str) -> Result<String> {
        let (sidecar, app_id, client_secret) = match &self.source {
            Source::Preset(token) => return Ok(token.clone()),
            Source::TokenProvider {
                sidecar,
                app_id,
                client_secret,
            } => (sidecar, app_id, client_secret),
        };
        if let Some(jwt) = self.cached(audience, scope).await {
            return Ok(jwt);
        }
        let _only_one = self.fetching.lock().await;
        if let Some(jwt) = self.cached(audience, scope).await {
            return Ok(jwt);
        }
        let granted = fetch(sidecar, app_id, client_secret, audience, scope)
            .await
            .map_err(|error| {
                tracing::warn!(%error, audience, scope, "no token for a call to another service");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "token_unavailable",
                    "Other services can't be called right now",
                )
                .retry_after_s(1)
            })?;
        let renew_at = Instant::now() + Duration::from_secs(granted.expires_in) * 4 / 5;
        let token = Token {
            jwt: granted.access_token.clone(),
            renew_at,
        };
        self.cached.write().await.insert((audience, scope), token);
        Ok(granted.access_token)
    }

    async fn cached(&self, audience: &'static str, scope: &'static str) -> Option<String> {
        let cached = self.cached.read().await;
        cached
            .get(&(audience, scope))
            .filter(|token| Instant::now() < token.renew_at)
            .map(|token| token.jwt.clone())
    }
}

async fn fetch(
    sidecar: &Sidecar,
    app_id: &str,
    client_secret: &str,
    audience: &str,
    scope: &str,
) -> reqwest::Result<Granted> {
    let form = [
        ("grant_type", "client_credentials"),
        ("audience", audience),
        ("scope", scope),
    ];
    let request = sidecar.request(Method::POST, "token-provider", "/oauth/token");
    let answer = request
        .basic_auth(app_id, Some(client_secret))
        .form(&form)
        .send()
        .await?;
    answer.error_for_status()?.json().await
}
