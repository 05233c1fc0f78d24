use axum::Json;
use axum::extract::State;
use chrono::Utc;
use garde::Validate;
use identity::User;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ProfileView;
use crate::AppState;
use crate::domain::{is_locale, is_time_zone};
use crate::store::{self, Change};

/// What is left out stays as it is.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProfileRequest {
    #[garde(length(chars, min = 1, max = 80))]
    display_name: Option<String>,
    /// BCP 47, such as `pt-BR`.
    #[garde(inner(custom(is_locale)))]
    locale: Option<String>,
    /// IANA, such as `Europe/Berlin`.
    #[garde(inner(custom(is_time_zone)))]
    time_zone: Option<String>,
}

/// Changes the caller's profile and answers the whole of it.
#[utoipa::path(patch, path = "/users/me", tag = "profile", request_body = ChangeProfileRequest,
    responses((status = 200, body = ProfileView), (status = 422, description = "`invalid_request`")))]
pub async fn change_profile(
    State(app): State<AppState>,
    user: User,
    problem::Json(request): problem::Json<ChangeProfileRequest>,
) -> Result<Json<ProfileView>> {
    let now = Utc::now();
    let change = Change {
        display_name: request.display_name.as_deref(),
        locale: request.locale.as_deref(),
        time_zone: request.time_zone.as_deref(),
    };
    let mut tx = app.pool.begin().await?;
    store::ensure(&mut tx, user.id, now).await?;
    let profile = store::change(&mut tx, user.id, &change, now).await?;
    tx.commit().await?;
    Ok(Json(profile.into()))
}
