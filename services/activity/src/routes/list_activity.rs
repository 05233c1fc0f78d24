use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::User;
use page::{Page, Paging};
use problem::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::four_digit_year;
use crate::AppState;
use crate::domain::words::{Language, words};
use crate::store::feed::{FeedFilter, FeedRow, lines};

/// Which lines, and which page of them. All that is given has to hold.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct FeedQuery {
    /// The kind of the lines, as `received`.
    #[garde(length(max = 100))]
    kind: Option<String>,
    /// Happened at this time (RFC 3339) or later.
    #[garde(inner(custom(four_digit_year)))]
    from: Option<DateTime<Utc>>,
    /// Happened before this time (RFC 3339).
    #[garde(inner(custom(four_digit_year)))]
    before: Option<DateTime<Utc>>,
    /// How many items, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page, with the same filters.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ActivityItem {
    id: Uuid,
    /// `registered`, `logged_in`, `session_ended`, `security_alert`, `topped_up`, `withdrawn`, `sent`, `received`,
    /// `moved`, `money_requested`, `request_declined`, `request_cancelled`, `request_expired` or `statement_ready`.
    kind: String,
    occurred_at: DateTime<Utc>,
    /// What happened in a few words, in the first of English and German that `Accept-Language` names.
    title: &'static str,
    /// The same as a sentence.
    text: String,
    /// Depends on `kind`. Movements have `transaction_id`, `account_id` and `amount`; a `session_ended` has `session_id` and
    /// `reason`; requests for money have `payment_request_id` and `amount`; a `statement_ready` has `account_id`,
    /// `month`, `opening` and `closing`; a `security_alert` has `alert`, which says what kind it is, and perhaps `device` and
    /// `session_id`.
    data: Value,
}

impl ActivityItem {
    pub fn new(row: FeedRow, language: Language) -> Self {
        let words = words(&row.kind, &row.data, language);
        Self {
            id: row.id,
            kind: row.kind,
            occurred_at: row.occurred_at,
            title: words.title,
            text: words.text,
            data: row.data,
        }
    }
}

/// The language that a request asks for.
pub fn language(headers: &HeaderMap) -> Language {
    let wanted = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|header| header.to_str().ok());
    wanted.map_or_else(Language::default, Language::wanted)
}

/// What happened on the caller's accounts, newest first.
#[utoipa::path(get, path = "/activity", tag = "activity", params(FeedQuery), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<ActivityItem>)))]
pub async fn list_activity(
    State(app): State<AppState>,
    user: User,
    headers: HeaderMap,
    problem::Query(query): problem::Query<FeedQuery>,
) -> Result<Json<Page<ActivityItem>>> {
    let paging = Paging::of(query.limit, query.cursor)?;
    let place = paging.place()?;
    let filter = FeedFilter {
        user_id: user.id,
        kind: query.kind,
        from: query.from,
        before: query.before,
    };
    let rows = lines(&mut *app.pool.acquire().await?, &filter, place, paging.rows()).await?;
    let language = language(&headers);
    let item = |row| ActivityItem::new(row, language);
    Ok(Json(paging.page(&place, rows, |row| row.seq, item)))
}
