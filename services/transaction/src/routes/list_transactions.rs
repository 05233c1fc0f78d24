use axum::{Json, extract::State};
use garde::Validate;
use identity::User;
use problem::Query;
use serde::Deserialize;
use uuid::Uuid;

use super::views::{Page, TransactionView};
use crate::{AppState, store};

/// Which page of the list.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items, 50 by default.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    cursor: Option<Uuid>,
}

fn default_limit() -> u32 {
    50
}

/// What the caller has made or received, newest first.
#[utoipa::path(get, path = "/transactions", tag = "transactions", params(Paging), responses((status = 200, body = Page<TransactionView>)))]
pub(crate) async fn list_transactions(
    State(app): State<AppState>,
    user: User,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<TransactionView>>> {
    let mut db = app.pool.acquire().await?;
    // One more than the page has, to see whether another follows.
    let mut rows = store::history(&mut db, user.id, paging.cursor, i64::from(paging.limit) + 1).await?;
    let more = rows.len() > paging.limit as usize;
    rows.truncate(paging.limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Json(Page {
        items: rows.into_iter().map(TransactionView::from).collect(),
        next_cursor,
    }))
}
