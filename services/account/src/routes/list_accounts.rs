use axum::{Json, extract::State};
use identity::User;
use page::{Page, Paging, Place};
use problem::Query;

use super::views::AccountView;
use crate::{AppState, store};

/// The caller's accounts in the order of their ids, which is that of opening unless the caller chose other ids. Who has none
/// gets those that everybody gets now: the provisioning at the first login may have met a service that was down.
#[utoipa::path(get, path = "/accounts", tag = "accounts", params(Paging),
    security(("bearer" = ["user"])), responses((status = 200, body = Page<AccountView>)))]
pub(crate) async fn list_accounts(
    State(app): State<AppState>,
    user: User,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<AccountView>>> {
    let place = paging.place()?;
    let mut db = app.pool.acquire().await?;
    let mut rows = store::accounts::of_owner(&mut db, user.id, place, paging.rows()).await?;
    if rows.is_empty() && place == Place::Start {
        store::accounts::provision(&mut db, user.id).await?;
        rows = store::accounts::of_owner(&mut db, user.id, place, paging.rows()).await?;
    }
    Ok(Json(paging.page(&place, rows, |row| row.id, AccountView::from)))
}
