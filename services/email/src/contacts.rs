//! Auth, as far as this service asks it: where to write, and what verifies an address. Nothing of it is kept.

use axum::http::StatusCode;
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sidecar::Sidecar;
use uuid::Uuid;

const APP_ID: &str = "auth";
const SCOPE: &str = "contacts:read";

#[derive(Clone)]
pub struct Contacts {
    sidecar: Sidecar,
    identity: Identity,
}

#[derive(Clone, Deserialize)]
pub struct Contact {
    pub user_id: Uuid,
    pub username: String,
    pub email: String,
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Contact>,
}

#[derive(Deserialize)]
pub struct Verification {
    pub username: String,
    pub email: String,
    pub token: String,
}

impl Contacts {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Those of the users that are there.
    pub async fn of(&self, user_ids: &[Uuid]) -> Result<Vec<Contact>> {
        let answer = self
            .post("/internal/contacts", &json!({ "user_ids": user_ids }))
            .await?;
        let found: Found = answer
            .error_for_status()
            .map_err(unavailable)?
            .json()
            .await
            .map_err(unavailable)?;
        Ok(found.items)
    }

    /// A new token that verifies the user's address; `None` if the user is not there any more.
    pub async fn verification(&self, user_id: Uuid) -> Result<Option<Verification>> {
        let answer = self
            .post("/internal/email-verifications", &json!({ "user_id": user_id }))
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer
            .error_for_status()
            .map_err(unavailable)?
            .json()
            .await
            .map(Some)
            .map_err(unavailable)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<reqwest::Response> {
        let bearer = self.identity.bearer(APP_ID, SCOPE).await?;
        let request = self.sidecar.request(Method::POST, APP_ID, path);
        request
            .bearer_auth(bearer)
            .json(body)
            .send()
            .await
            .map_err(unavailable)
    }
}

fn unavailable(error: reqwest::Error) -> Problem {
    tracing::warn!(%error, "Auth did not answer as it should");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "contacts_unavailable",
        "Addresses can't be had right now",
    )
    .retry_after_s(1)
}
