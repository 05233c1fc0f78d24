//! User, as far as this service asks it: who wants which mails. Nothing of it is kept.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use identity::Identity;
use problem::{Problem, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sidecar::Sidecar;
use uuid::Uuid;

use crate::kind::Kind;

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
struct Chosen {
    user_id: Uuid,
    /// The channels of each kind of event.
    notifications: HashMap<String, Vec<String>>,
}

impl Preferences {
    pub fn new(sidecar: Sidecar, identity: Identity) -> Self {
        Self { sidecar, identity }
    }

    /// Those of the mails that their users want. User is asked only if there is one that a user can go without.
    pub async fn wanted(&self, mut mails: Vec<(Uuid, Kind)>) -> Result<Vec<(Uuid, Kind)>> {
        let optional = mails.iter().filter(|(_, kind)| kind.preference().is_some());
        let user_ids: HashSet<Uuid> = optional.map(|(user_id, _)| *user_id).collect();
        if !user_ids.is_empty() {
            let chosen = self.of(&user_ids).await?;
            mails.retain(|(user_id, kind)| wants(&chosen, *user_id, *kind));
        }
        Ok(mails)
    }

    async fn of(&self, user_ids: &HashSet<Uuid>) -> Result<Vec<Chosen>> {
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

/// Whoever has not chosen gets all mails.
fn wants(chosen: &[Chosen], user_id: Uuid, kind: Kind) -> bool {
    let channels = kind.preference().and_then(|name| {
        let chosen = chosen.iter().find(|chosen| chosen.user_id == user_id)?;
        chosen.notifications.get(name)
    });
    channels.is_none_or(|channels| channels.iter().any(|channel| channel == CHANNEL))
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
        let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
        let notifications =
            json!({ "money_sent": [], "topped_up": ["sms"], "new_device_login": ["sms", "email"] });
        let chosen = [Chosen {
            user_id: ada,
            notifications: serde_json::from_value(notifications).unwrap(),
        }];
        for (user_id, kind, expected) in [
            (ada, Kind::Sent, false),
            (ada, Kind::ToppedUp, false),
            (ada, Kind::NewDeviceLogin, true),
            (ada, Kind::Received, true),
            (ada, Kind::PasswordChanged, true),
            (bob, Kind::Sent, true),
        ] {
            assert_eq!(wants(&chosen, user_id, kind), expected, "{kind:?}");
        }
    }
}
