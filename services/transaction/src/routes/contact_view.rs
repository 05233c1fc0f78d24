//! A contact as its owner sees it, and what an alias may be.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::description::printable;
use crate::store::contacts::Contact;

#[derive(Serialize, ToSchema)]
pub(crate) struct ContactView {
    id: Uuid,
    user_id: Uuid,
    /// Null: they are not there any more.
    username: Option<String>,
    /// What the caller calls them: good for `to_alias`.
    alias: Option<String>,
    /// When the caller has last paid them by name. Null: never.
    last_paid_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl ContactView {
    pub fn of(contact: Contact) -> Self {
        Self {
            id: contact.id,
            user_id: contact.user_id,
            username: contact.username,
            alias: contact.alias,
            last_paid_at: contact.last_paid_at,
            created_at: contact.created_at,
        }
    }
}

/// For garde: a line of text without blanks around it, so that two that look the same are the same.
pub(super) fn is_alias(alias: &str, context: &()) -> garde::Result {
    if alias.trim() != alias {
        return Err(garde::Error::new("begins or ends with a blank"));
    }
    printable(alias, context)
}

/// There is no such contact, or it is somebody else's: the answer does not tell which.
pub(super) fn contact_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "contact_not_found",
        "There is no such contact",
    )
}

/// An alias that the owner has given to another contact is told, everything else is a fault.
pub(super) fn alias_taken(error: sqlx::Error) -> Problem {
    let database = error.as_database_error();
    if database.and_then(|error| error.constraint()) != Some("contacts_alias_unique") {
        return error.into();
    }
    Problem::new(
        StatusCode::CONFLICT,
        "alias_taken",
        "Another contact has this alias",
    )
}
