use axum::{Json, extract::State};
use identity::User;
use problem::Path;
use uuid::Uuid;

use super::views::{AccountView, account_not_found};
use crate::{AppState, store};

/// One account of the caller, with its balance, what is held and what is available in one consistent read.
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses((status = 200, body = AccountView), (status = 404, description = "account_not_found")))]
pub(crate) async fn show_account(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<AccountView>> {
    let mut db = app.pool.acquire().await?;
    let account = store::accounts::find(&mut db, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    Ok(Json(account.into()))
}
