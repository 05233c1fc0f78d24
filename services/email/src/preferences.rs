//! User, as far as this service asks it: who wants which mails, and in which language. Nothing of it is kept.

use std::collections::HashMap;

use axum::http::StatusCode;
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sidecar::Sidecar;
use uuid::Uuid;

use crate::kind::Kind;
use crate::language::Language;

const APP_ID: &str = "user";
const SCOPE: &str = "preferences:read";
/// The channel that this service is.
const CHANNEL: &str = "email";

#[derive(Clone)]
pub struct Preferences {
    sidecar: Sidecar,
    identity: Identity,
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Chosen>,
}

#[derive(Deserialize)]
pub struct Chosen {
    pub user_id: Uuid,
    /// BCP 47
    language: String,
    /// The channels of each kind of event.
    notifications: HashMap<String, Vec<String>>,
}

impl Chosen {
    /// A kind for which nothing is chosen is wanted.
    pub fn wants(&self, kind: Kind) -> bool {
        let channels = kind.preference().and_then(|name| self.notifications.get(name));
        channels.is_none_or(|channels| channels.iter().any(|channel| channel == CHANNEL))
    }

    pub fn language(&self) -> Language {
        Language::of(&self.language)
    }
}

impl Preferences {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// What these users have chosen, 100 at most.
    pub async fn of(&self, user_ids: &[Uuid]) -> Result<Vec<Chosen>> {
        let bearer = self.identity.bearer(APP_ID, SCOPE).await?;
        let request = self
            .sidecar
            .request(Method::POST, APP_ID, "/internal/preferences");
        let answer = request
            .bearer_auth(bearer)
            .json(&json!({ "user_ids": user_ids }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(unavailable)?;
        let found: Found = answer.json().await.map_err(unavailable)?;
        Ok(found.items)
    }
}

fn unavailable(error: reqwest::Error) -> Problem {
    tracing::warn!(%error, "User did not answer as it should");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "preferences_unavailable",
        "Preferences can't be had right now",
    )
    .retry_after_s(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_not_chosen_gets_the_mail_and_whoever_chose_gets_what_they_chose() {
        let notifications =
            json!({ "money_sent": [], "topped_up": ["sms"], "new_device_login": ["sms", "email"] });
        let ada: Chosen = serde_json::from_value(
            json!({ "user_id": Uuid::now_v7(), "language": "de-AT", "notifications": notifications }),
        )
        .unwrap();
        for (kind, expected) in [
            (Kind::Sent, false),
            (Kind::ToppedUp, false),
            (Kind::NewDeviceLogin, true),
            (Kind::Received, true),
            (Kind::PasswordChanged, true),
        ] {
            assert_eq!(ada.wants(kind), expected, "{kind:?}");
        }
        assert_eq!(ada.language(), Language::German);
    }
}
