use axum::{Json, extract::State, http::StatusCode};
use identity::User;
use problem::{Path, Problem};
use uuid::Uuid;

use super::views::TransactionView;
use crate::{AppState, store};

/// One transaction, for either party. Who only receives sees it once it is completed.
#[utoipa::path(get, path = "/transactions/{id}", tag = "transactions", params(("id" = Uuid, Path)), security(("bearer" = ["user"])),
    responses((status = 200, body = TransactionView), (status = 404, description = "transaction_not_found")))]
pub(crate) async fn show_transaction(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<TransactionView>> {
    let mut db = app.pool.acquire().await?;
    let transaction = store::find(&mut db, user.id, id)
        .await?
        .ok_or_else(transaction_not_found)?;
    Ok(Json(TransactionView::of(transaction, user.id)))
}

/// There is no such transaction, or it is somebody else's: the answer does not tell which.
pub(super) fn transaction_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "transaction_not_found",
        "There is no such transaction",
    )
}
