//! Token Provider's own port, and the secrets of the stack that it asks for.

use std::collections::HashMap;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;
use tests::Stack;
use uuid::Uuid;

const APP_ID: &str = "token-provider";

pub struct TokenProvider {
    http: Client,
    origin: String,
    /// What the secret store holds: each secret is a map.
    secrets: HashMap<String, HashMap<String, String>>,
    /// Auth's token for the internal routes.
    bearer: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl TokenProvider {
    pub async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let secrets = std::fs::read_to_string(stack.home().join("secrets/secrets.json"))?;
        let mut provider = Self {
            http: Client::new(),
            origin: stack.url(APP_ID, ""),
            secrets: serde_json::from_str(&secrets)?,
            bearer: String::new(),
        };
        let granted = provider.ask_for_service_token("auth", APP_ID, "tokens:issue")?;
        provider.bearer = token(granted).await?;
        Ok(provider)
    }

    /// Client credentials: a signature, and no work for a database.
    pub async fn service_token(&self) -> anyhow::Result<String> {
        token(self.ask_for_service_token("gateway", "auth", "auth:sessions")?).await
    }

    /// What a login asks for: a signature, and a family of refresh tokens in the database. No browser ever sees it.
    pub async fn user_token(&self, user_id: Uuid) -> anyhow::Result<String> {
        let body = json!({ "user_id": user_id, "session_id": Uuid::new_v4(), "roles": ["user"] });
        let request = self.http.post(format!("{}/internal/tokens", self.origin));
        token(request.bearer_auth(&self.bearer).json(&body)).await
    }

    /// The key that signs, under the header that it signs with.
    pub fn signing_key(&self) -> anyhow::Result<(Header, EncodingKey)> {
        let keys = &self.secrets["token-signing-keys"];
        let (kid, pem) = keys.iter().next().context("there is no signing key")?;
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.clone());
        Ok((header, EncodingKey::from_rsa_pem(pem.as_bytes())?))
    }

    fn ask_for_service_token(
        &self,
        caller: &str,
        audience: &str,
        scope: &str,
    ) -> anyhow::Result<RequestBuilder> {
        let secret = self.secrets.get(&format!("client-secret-{caller}"));
        let secret = secret.and_then(|secret| secret.get("value"));
        Ok(self
            .http
            .post(format!("{}/oauth/token", self.origin))
            .basic_auth(caller, Some(secret.context("no client secret")?))
            .form(&[
                ("grant_type", "client_credentials"),
                ("audience", audience),
                ("scope", scope),
            ]))
    }
}

async fn token(request: RequestBuilder) -> anyhow::Result<String> {
    let answer = request.send().await?.error_for_status()?;
    Ok(answer.json::<Granted>().await?.access_token)
}
