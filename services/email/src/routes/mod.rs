//! What operators do with mails that did not go out.

pub mod list_mails;
pub mod retry_mail;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::admin::MailRow;

/// A mail as operators see it: neither its text nor where it goes.
#[derive(Serialize, ToSchema)]
pub struct MailView {
    id: Uuid,
    event_id: Uuid,
    user_id: Uuid,
    kind: String,
    /// `queued`, `sent`, `unwanted`, `bounced` or `failed`.
    state: String,
    attempts: i32,
    /// What went wrong last: `smtp_` and the server's reply, `unreachable`, `user_gone`, `address` or `template`.
    last_error: Option<String>,
    /// Null: there is none.
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<MailRow> for MailView {
    fn from(row: MailRow) -> Self {
        Self {
            next_attempt_at: row.finished_at.is_none().then_some(row.next_attempt_at),
            id: row.id,
            event_id: row.event_id,
            user_id: row.user_id,
            kind: row.kind,
            state: row.state,
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}
