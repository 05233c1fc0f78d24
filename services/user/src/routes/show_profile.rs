use axum::Json;
use axum::extract::State;
use chrono::Utc;
use identity::User;
use problem::Result;

use super::ProfileView;
use crate::AppState;
use crate::store::profiles;

/// The caller's profile. It is made now if the event and the first login both missed it.
#[utoipa::path(get, path = "/users/me", tag = "profile", security(("bearer" = ["user"])),
    responses((status = 200, body = ProfileView)))]
pub async fn show_profile(State(app): State<AppState>, user: User) -> Result<Json<ProfileView>> {
    let mut conn = app.pool.acquire().await?;
    let profile = match profiles::find(&mut conn, user.id).await? {
        Some(profile) => profile,
        None => profiles::open(&mut conn, user.id, Utc::now()).await?,
    };
    Ok(Json(profile.into()))
}
