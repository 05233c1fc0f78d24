use axum::Json;
use axum::extract::State;
use chrono::Utc;
use identity::User;
use problem::Result;

use super::{AccountView, session_ended};
use crate::AppState;
use crate::store::users;

/// The caller's own account: name, address, roles and status.
#[utoipa::path(get, path = "/auth/account", tag = "auth", security(("bearer" = ["user"])),
    responses((status = 200, body = AccountView)))]
pub async fn show_account(State(app): State<AppState>, caller: User) -> Result<Json<AccountView>> {
    let user = users::find_by_id(&mut *app.pool.acquire().await?, caller.id)
        .await?
        .ok_or_else(session_ended)?;
    Ok(Json(AccountView::of(user, Utc::now())))
}
