use axum::{Json, extract::State};
use identity::User;
use page::{Page, Paging};
use problem::Query;

use super::contact_view::ContactView;
use crate::{AppState, store};

/// Whom the caller has paid by name or has noted to pay, the newest contact first.
#[utoipa::path(get, path = "/contacts", tag = "contacts", params(Paging), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<ContactView>)))]
pub(crate) async fn list_contacts(
    State(app): State<AppState>,
    user: User,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<ContactView>>> {
    let place = paging.place()?;
    let mut db = app.pool.acquire().await?;
    let rows = store::contacts::list(&mut db, user.id, place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.id, ContactView::of)))
}
