use axum::Json;
use axum::extract::State;
use chrono::Utc;
use identity::Admin;
use problem::Result;
use uuid::Uuid;

use super::{AccountView, unknown_user};
use crate::AppState;
use crate::store::users;

/// A user's account.
#[utoipa::path(get, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path)), security(("bearer" = ["admin"])),
    responses((status = 200, body = AccountView), (status = 404, description = "`unknown_user`")))]
pub async fn show_user(
    State(app): State<AppState>,
    _: Admin,
    problem::Path(id): problem::Path<Uuid>,
) -> Result<Json<AccountView>> {
    let user = users::find_by_id(&mut *app.pool.acquire().await?, id)
        .await?
        .ok_or_else(unknown_user)?;
    Ok(Json(AccountView::of(user, Utc::now())))
}
