//! The calls that find out whom a name means: Auth knows people by name, Account their accounts.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use identity::Identity;
use money::Currency;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use sidecar::Sidecar;
use uuid::Uuid;

/// Somebody waits for two of these and then for the ledger.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct People {
    sidecar: Sidecar,
    identity: Identity,
}

/// Somebody whom Auth knows.
#[derive(Deserialize)]
pub struct Known {
    pub user_id: Uuid,
    pub username: String,
}

#[derive(Deserialize)]
struct Payee {
    account_id: Uuid,
}

impl People {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Who has this name. None: nobody, or nobody any more.
    pub async fn named(&self, username: &str) -> Result<Option<Known>> {
        self.ask_auth(json!({ "username": username })).await
    }

    /// None: there is no such user, or not any more.
    pub async fn by_id(&self, user_id: Uuid) -> Result<Option<Known>> {
        self.ask_auth(json!({ "user_id": user_id })).await
    }

    /// The account in which a user gets money of a currency. None: there is none that takes it.
    pub async fn account_of(&self, user_id: Uuid, currency: Currency) -> Result<Option<Uuid>> {
        let question = json!({ "user_id": user_id, "currency": currency });
        let payee: Option<Payee> = self
            .ask("account", "accounts:resolve", "/internal/payee", question)
            .await?;
        Ok(payee.map(|payee| payee.account_id))
    }

    async fn ask_auth(&self, question: impl Serialize) -> Result<Option<Known>> {
        self.ask("auth", "usernames:read", "/internal/usernames", question)
            .await
    }

    /// None: the answer was 404.
    async fn ask<T: DeserializeOwned>(
        &self,
        app_id: &'static str,
        scope: &'static str,
        path: &str,
        question: impl Serialize,
    ) -> Result<Option<T>> {
        let token = self.identity.bearer(app_id, scope).await?;
        let answer = self
            .sidecar
            .request(Method::POST, app_id, path)
            .bearer_auth(token)
            .timeout(TIMEOUT)
            .json(&question)
            .send()
            .await
            .map_err(unavailable)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = answer.error_for_status().map_err(unavailable)?;
        answer.json().await.map(Some).map_err(unavailable)
    }
}

/// Nothing was begun, so asking again is safe.
fn unavailable(error: reqwest::Error) -> Problem {
    tracing::warn!(error = %error.without_url(), "a user can't be looked up");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "payee_unavailable",
        "Who is to be paid can't be looked up right now",
    )
    .retry_after_s(1)
}
