use axum::{Json, extract::State};
use identity::User;
use serde::Serialize;
use utoipa::ToSchema;

use super::show_hold::HoldView;
use crate::{AppState, store};

/// As many as are shown; a user with more lets some end first.
const MOST: i64 = 200;

#[derive(Serialize, ToSchema)]
pub(crate) struct OpenHolds {
    items: Vec<HoldView>,
}

/// The open holds on the caller's accounts or in the caller's favour, the one that expires first at first; 200 at most.
/// Those that have ended are in the history.
#[utoipa::path(get, path = "/holds", tag = "holds", security(("bearer" = ["user"])),
    responses((status = 200, body = OpenHolds)))]
pub(crate) async fn list_holds(State(app): State<AppState>, user: User) -> problem::Result<Json<OpenHolds>> {
    let mut db = app.pool.acquire().await?;
    let ids = store::holds::open_of(&mut db, user.id, MOST).await?;
    let mut holds = store::by_ids(&mut db, &ids).await?;
    holds.sort_by_key(|hold| (hold.order.about.until(), hold.id));
    Ok(Json(OpenHolds {
        items: holds.into_iter().map(|hold| HoldView::of(hold, None)).collect(),
    }))
}
