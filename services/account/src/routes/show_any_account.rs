use axum::{Json, extract::State};
use identity::Operator;
use problem::Path;
use uuid::Uuid;

use super::views::{AnyAccountView, account_not_found};
use crate::{AppState, store::accounts};

/// An account of any user.
#[utoipa::path(get, path = "/admin/accounts/{id}", tag = "admin", params(("id" = Uuid, Path)),
    security(("bearer" = ["operator"])),
    responses((status = 200, body = AnyAccountView), (status = 404, description = "account_not_found")))]
pub(crate) async fn show_any_account(
    State(app): State<AppState>,
    _: Operator,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<AnyAccountView>> {
    let mut db = app.pool.acquire().await?;
    let account = accounts::find_anybodys(&mut db, id)
        .await?
        .ok_or_else(account_not_found)?;
    Ok(Json(account.into()))
}
