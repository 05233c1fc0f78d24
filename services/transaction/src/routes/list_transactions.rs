use axum::{Json, extract::State};
use identity::User;
use page::{Page, Paging};
use problem::Query;

use super::views::TransactionView;
use crate::{AppState, store};

/// What the caller has made or received, newest first.
#[utoipa::path(get, path = "/transactions", tag = "transactions", params(Paging), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<TransactionView>)))]
pub(crate) async fn list_transactions(
    State(app): State<AppState>,
    user: User,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<TransactionView>>> {
    let mut db = app.pool.acquire().await?;
    let rows = store::history(&mut db, user.id, paging.cursor()?, paging.rows()).await?;
    Ok(Json(paging.page(
        rows,
        |row| row.id.to_string(),
        |row| TransactionView::of(row, user.id),
    )))
}
