use axum::Json;
use axum::extract::State;
use chrono::Utc;
use identity::User;
use problem::{Problem, Result};

use super::ProfileView;
use crate::{AppState, store};

/// The caller's profile. It is made now if the event and the first login both missed it.
#[utoipa::path(get, path = "/users/me", tag = "profile", responses((status = 200, body = ProfileView)))]
pub async fn show_profile(State(app): State<AppState>, user: User) -> Result<Json<ProfileView>> {
    let mut conn = app.pool.acquire().await?;
    if let Some(profile) = store::find(&mut conn, user.id).await? {
        return Ok(Json(profile.into()));
    }
    store::ensure(&mut conn, user.id, Utc::now()).await?;
    let made = store::find(&mut conn, user.id).await?;
    made.map(|profile| Json(profile.into()))
        .ok_or_else(|| Problem::internal(&"a profile that was made is gone"))
}
