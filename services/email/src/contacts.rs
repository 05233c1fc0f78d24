//! Auth, as far as this service asks it: where to write, and what verifies an address. Nothing of it is kept.

use axum::http::StatusCode;
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
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

/// What the mail after a registration needs.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Verification {
    /// The address is that of the verified account `taken_by`.
    Taken { taken_by: String, email: String },
    Free {
        username: String,
        email: String,
        token: String,
    },
}

#[derive(Deserialize)]
pub struct PasswordReset {
    pub username: String,
    pub email: String,
    pub token: String,
}

impl Contacts {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Those of the users that are there, of 100 at most.
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

    /// What verifies the user's address, unless it is somebody else's; `None` if the user is not there any more.
    pub async fn verification(&self, user_id: Uuid) -> Result<Option<Verification>> {
        self.about("/internal/email-verifications", user_id).await
    }

    /// A new token that sets a new password; `None` if the user is not there any more, or never verified the address.
    pub async fn password_reset(&self, user_id: Uuid) -> Result<Option<PasswordReset>> {
        self.about("/internal/password-resets", user_id).await
    }

    async fn about<T: DeserializeOwned>(&self, path: &str, user_id: Uuid) -> Result<Option<T>> {
        let answer = self.post(path, &json!({ "user_id": user_id })).await?;
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
