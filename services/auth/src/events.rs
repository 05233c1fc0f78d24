//! The events that this service publishes. They name people by id only.

use alert::Alert;
use anyhow::bail;
use chrono::{DateTime, Utc};
use outbox::Event;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use uuid::Uuid;

use crate::APP_ID;

/// `USER_REGISTERED`, type `payme.user.registered.v1`.
#[derive(Serialize, JsonSchema)]
struct UserRegistered {
    user_id: Uuid,
}

/// `USER_LOGGED_IN`, type `payme.user.logged_in.v1`.
#[derive(Serialize, JsonSchema)]
struct UserLoggedIn {
    user_id: Uuid,
    session_id: Uuid,
    /// Whether this user never logged in before.
    first_login: bool,
}

/// `SESSION_REVOKED`, type `payme.session.revoked.v1`.
#[derive(Serialize, JsonSchema)]
struct SessionRevoked {
    user_id: Uuid,
    session_id: Uuid,
    reason: Reason,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Logout,
    LogoutEverywhere,
    EndedByUser,
    PasswordChanged,
    PasswordReset,
    Admin,
    RefreshTokenReused,
    AccountDeleted,
    /// Another login came in its place.
    Replaced,
}

pub fn user_registered(user_id: Uuid, now: DateTime<Utc>) -> serde_json::Result<Event> {
    Event::new(
        "USER_REGISTERED",
        "payme.user.registered.v1",
        user_id,
        &UserRegistered { user_id },
        now,
    )
}

pub fn user_logged_in(
    user_id: Uuid,
    session_id: Uuid,
    first_login: bool,
    now: DateTime<Utc>,
) -> serde_json::Result<Event> {
    let data = UserLoggedIn {
        user_id,
        session_id,
        first_login,
    };
    Event::new("USER_LOGGED_IN", "payme.user.logged_in.v1", user_id, &data, now)
}

pub fn session_revoked(
    user_id: Uuid,
    session_id: Uuid,
    reason: Reason,
    now: DateTime<Utc>,
) -> serde_json::Result<Event> {
    let data = SessionRevoked {
        user_id,
        session_id,
        reason,
    };
    Event::new("SESSION_REVOKED", "payme.session.revoked.v1", user_id, &data, now)
}

pub fn security_alert(alert: &Alert, now: DateTime<Utc>) -> serde_json::Result<Event> {
    let subject = alert
        .user_id
        .map_or_else(|| APP_ID.to_owned(), |user_id| user_id.to_string());
    Event::new(alert::TOPIC, alert::KIND, subject, alert, now)
}

/// The JSON Schema of a topic's `data`, which is `contract/events/<TOPIC>.schema.json`.
pub fn events_schema(topic: &str) -> anyhow::Result<String> {
    let schema = match topic {
        "USER_REGISTERED" => schema_for!(UserRegistered),
        "USER_LOGGED_IN" => schema_for!(UserLoggedIn),
        "SESSION_REVOKED" => schema_for!(SessionRevoked),
        alert::TOPIC => schema_for!(Alert),
        _ => bail!("this service does not publish {topic}"),
    };
    Ok(serde_json::to_string_pretty(&schema)?)
}
