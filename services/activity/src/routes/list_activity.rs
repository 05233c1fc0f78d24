use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use identity::User;
use page::{Page, Paging};
use problem::Result;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AppState, store};

#[derive(Serialize, ToSchema)]
pub struct ActivityItem {
    id: Uuid,
    /// `registered`, `logged_in`, `session_ended`, `security_alert`, `topped_up`, `withdrawn`, `sent`, `received` or
    /// `moved`.
    kind: String,
    occurred_at: DateTime<Utc>,
    /// Depends on `kind`. Movements have `transaction_id`, `account_id` and `amount`; a `session_ended` has `session_id` and
    /// `reason`; a `security_alert` has `alert`, which says what kind it is, and perhaps `device` and `session_id`.
    data: Value,
}

impl From<store::FeedRow> for ActivityItem {
    fn from(row: store::FeedRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            occurred_at: row.occurred_at,
            data: row.data,
        }
    }
}

/// What happened on the caller's accounts, newest first.
#[utoipa::path(get, path = "/activity", tag = "activity", params(Paging), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<ActivityItem>)))]
pub async fn list_activity(
    State(app): State<AppState>,
    user: User,
    problem::Query(paging): problem::Query<Paging>,
) -> Result<Json<Page<ActivityItem>>> {
    let place = paging.place()?;
    let rows = store::feed(&mut *app.pool.acquire().await?, user.id, place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.seq, ActivityItem::from)))
}
