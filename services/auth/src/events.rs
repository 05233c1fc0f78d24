//! The events that this service publishes. They name people by id only.

use anyhow::bail;
use chrono::{DateTime, Utc};
use outbox::Event;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use uuid::Uuid;

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

/// The JSON Schema of a topic's `data`, which is `contract/events/<TOPIC>.schema.json`.
pub fn events_schema(topic: &str) -> anyhow::Result<String> {
    let schema = match topic {
        "USER_REGISTERED" => schema_for!(UserRegistered),
        "USER_LOGGED_IN" => schema_for!(UserLoggedIn),
        _ => bail!("this service does not publish {topic}"),
    };
    Ok(serde_json::to_string_pretty(&schema)?)
}
