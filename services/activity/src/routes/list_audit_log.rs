use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Operator;
use page::{Page, Paging};
use problem::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::four_digit_year;
use crate::AppState;
use crate::store::log::{LogFilter, LogRow, lines};

/// Which lines, and which page of them. All that is given has to hold.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct LogQuery {
    /// The event's type.
    #[param(example = "payme.user.logged_in.v1")]
    #[garde(length(max = 100))]
    kind: Option<String>,
    /// Whose or what's change it is: the id of a user or a transaction.
    #[garde(length(max = 100))]
    subject: Option<String>,
    /// What this user was told of, as far back as feeds go.
    user_id: Option<Uuid>,
    /// Received at this time (RFC 3339) or later.
    #[garde(inner(custom(four_digit_year)))]
    from: Option<DateTime<Utc>>,
    /// Received before this time (RFC 3339).
    #[garde(inner(custom(four_digit_year)))]
    before: Option<DateTime<Utc>>,
    /// How many items, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page, with the same filters.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct LogLine {
    /// The order of the log; some numbers are not used.
    seq: i64,
    event_id: Uuid,
    kind: String,
    subject: String,
    occurred_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    /// Who did it, or whose account it is about. Null: the event names nobody, as money that comes from outside.
    actor_user_id: Option<Uuid>,
    /// In which session, if the event says so.
    session_id: Option<Uuid>,
    /// On what, coarsely, if the event says so: `Firefox on Linux`.
    device: Option<String>,
    /// The event's data, as it came.
    data: Value,
}

impl From<LogRow> for LogLine {
    fn from(row: LogRow) -> Self {
        let text = |name: &str| row.data.get(name).and_then(Value::as_str);
        let id = |name: &str| text(name).and_then(|id| id.parse().ok());
        Self {
            seq: row.seq,
            event_id: row.event_id,
            actor_user_id: id("user_id").or_else(|| id("from_user_id")),
            session_id: id("session_id"),
            device: text("device").map(str::to_owned),
            kind: row.kind,
            subject: row.subject,
            occurred_at: row.occurred_at,
            received_at: row.received_at,
            data: row.data,
        }
    }
}

/// The audit log: everything that was announced, newest first.
#[utoipa::path(get, path = "/admin/audit/log", tag = "admin", params(LogQuery), security(("bearer" = ["operator"])),
    responses((status = 200, body = Page<LogLine>)))]
pub async fn list_audit_log(
    State(app): State<AppState>,
    _: Operator,
    problem::Query(query): problem::Query<LogQuery>,
) -> Result<Json<Page<LogLine>>> {
    let paging = Paging::of(query.limit, query.cursor)?;
    let place = paging.place()?;
    let filter = LogFilter {
        kind: query.kind,
        subject: query.subject,
        user_id: query.user_id,
        from: query.from,
        before: query.before,
    };
    let rows = lines(&mut *app.pool.acquire().await?, &filter, place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.seq, LogLine::from)))
}
