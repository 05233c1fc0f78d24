use axum::Json;
use axum::extract::State;
use identity::User;
use problem::Result;

use crate::AppState;
use crate::domain::preferences::Preferences;
use crate::store::preferences;

/// What the caller prefers, or the defaults.
#[utoipa::path(get, path = "/users/me/preferences", tag = "preferences", security(("bearer" = ["user"])),
    responses((status = 200, body = Preferences)))]
pub async fn show_preferences(State(app): State<AppState>, user: User) -> Result<Json<Preferences>> {
    let found = preferences::find(&mut *app.pool.acquire().await?, user.id).await?;
    Ok(Json(found.unwrap_or_default()))
}
