use axum::{Json, extract::State};
use identity::User;
use page::{Page, Paging};
use problem::Query;

use super::show_schedule::ScheduleView;
use crate::{AppState, store};

/// The caller's schedules, also those that have ended, newest first.
#[utoipa::path(get, path = "/schedules", tag = "schedules", params(Paging), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<ScheduleView>)))]
pub(crate) async fn list_schedules(
    State(app): State<AppState>,
    user: User,
    Query(paging): Query<Paging>,
) -> problem::Result<Json<Page<ScheduleView>>> {
    let place = paging.place()?;
    let mut db = app.pool.acquire().await?;
    let rows = store::schedules::list(&mut db, user.id, place, paging.rows()).await?;
    Ok(Json(paging.page(&place, rows, |row| row.id, ScheduleView::of)))
}
