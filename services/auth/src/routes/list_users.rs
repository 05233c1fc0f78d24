use axum::Json;
use axum::extract::State;
use chrono::Utc;
use garde::Validate;
use identity::Admin;
use page::{Page, Paging};
use problem::Result;
use serde::Deserialize;
use utoipa::IntoParams;

use super::AccountView;
use crate::AppState;
use crate::domain::credentials::normal;
use crate::store::users;

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserSearch {
    /// The beginning of a username, or a whole email address.
    #[garde(length(max = 254))]
    search: Option<String>,
    /// How many items, 50 by default, 200 at most.
    #[garde(skip)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page of the list.
    #[garde(skip)]
    cursor: Option<String>,
}

/// All users, the newest first, or those that a search finds.
#[utoipa::path(get, path = "/admin/users", tag = "admin", params(UserSearch), security(("bearer" = ["admin"])),
    responses((status = 200, body = Page<AccountView>)))]
pub async fn list_users(
    State(app): State<AppState>,
    _: Admin,
    problem::Query(query): problem::Query<UserSearch>,
) -> Result<Json<Page<AccountView>>> {
    let paging = Paging::of(query.limit, query.cursor)?;
    let search = query
        .search
        .as_deref()
        .map(normal)
        .filter(|search| !search.is_empty());
    let mut conn = app.pool.acquire().await?;
    let place = paging.place()?;
    let found = users::list(&mut conn, search.as_deref(), place, paging.rows()).await?;
    let now = Utc::now();
    Ok(Json(paging.page(
        &place,
        found,
        |user| user.id,
        |user| AccountView::of(user, now),
    )))
}
