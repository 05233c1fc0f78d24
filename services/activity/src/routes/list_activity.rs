use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::User;
use problem::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{AppState, store};

const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 100;

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    /// How many lines, 1 to 100; 20 by default.
    #[garde(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[garde(skip)]
    cursor: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Activity {
    items: Vec<ActivityItem>,
    /// `null` on the last page.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ActivityItem {
    id: Uuid,
    /// `registered`, `logged_in`, `topped_up`, `sent`, `received` or `moved`.
    kind: String,
    occurred_at: DateTime<Utc>,
    /// Depends on `kind`; movements have `transaction_id`, `account_id` and `amount`.
    data: Value,
}

/// What happened on the caller's accounts, newest first.
#[utoipa::path(get, path = "/activity", tag = "activity", params(ListParams), responses((status = 200, body = Activity)))]
pub async fn list_activity(
    State(app): State<AppState>,
    user: User,
    problem::Query(params): problem::Query<ListParams>,
) -> Result<Json<Activity>> {
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    let rows = store::feed(&mut *app.pool.acquire().await?, user.id, params.cursor, limit).await?;
    let full = i64::try_from(rows.len())? == limit;
    let next_cursor = rows.last().filter(|_| full).map(|row| row.seq.to_string());
    let item = |row: store::FeedRow| ActivityItem {
        id: row.id,
        kind: row.kind,
        occurred_at: row.occurred_at,
        data: row.data,
    };
    Ok(Json(Activity {
        items: rows.into_iter().map(item).collect(),
        next_cursor,
    }))
}
