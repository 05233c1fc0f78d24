use axum::{Json, extract::State};
use identity::User;
use page::{Page, Paging};
use problem::Query;
use uuid::Uuid;

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
    let after = paging.cursor::<Uuid>()?;
    let mut db = app.pool.acquire().await?;
    let mut rows = store::accounts::of_owner(&mut db, user.id, after, paging.rows()).await?;
    if rows.is_empty() && after.is_none() {
        store::accounts::provision(&mut db, user.id).await?;
        rows = store::accounts::of_owner(&mut db, user.id, None, paging.rows()).await?;
    }
    Ok(Json(paging.page(
        rows,
        |row| row.id.to_string(),
        AccountView::from,
    )))
}
