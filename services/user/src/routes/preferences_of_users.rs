use axum::Json;
use axum::extract::State;
use garde::Validate;
use identity::{Grant, Service};
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::domain::preferences::Notifications;
use crate::store::preferences::{self, Reachable};

/// Email, which has to know who wants which mail, and how it is to be written.
pub struct PreferencesReader;

impl Grant for PreferencesReader {
    const CALLER: &str = "email";
    const SCOPE: &str = "preferences:read";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesOfUsersRequest {
    #[garde(length(min = 1, max = 100))]
    #[schema(min_items = 1, max_items = 100)]
    user_ids: Vec<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct PreferencesOfUsersResponse {
    /// One for each id, in the same order.
    items: Vec<PreferencesOfUser>,
}

#[derive(Serialize, ToSchema)]
pub struct PreferencesOfUser {
    user_id: Uuid,
    /// BCP 47
    language: String,
    /// IANA
    time_zone: String,
    notifications: Notifications,
}

/// What users prefer, for mails to them. Who has said nothing has the defaults, and so has a user that nobody knows.
#[utoipa::path(post, path = "/internal/preferences", tag = "internal", request_body = PreferencesOfUsersRequest,
    security(("service" = ["email", "preferences:read"])),
    responses((status = 200, body = PreferencesOfUsersResponse)))]
pub async fn preferences_of_users(
    State(app): State<AppState>,
    _: Service<PreferencesReader>,
    problem::Json(request): problem::Json<PreferencesOfUsersRequest>,
) -> Result<Json<PreferencesOfUsersResponse>> {
    let found = preferences::of_users(&mut *app.pool.acquire().await?, &request.user_ids).await?;
    let items = found.into_iter().map(PreferencesOfUser::from).collect();
    Ok(Json(PreferencesOfUsersResponse { items }))
}

impl From<Reachable> for PreferencesOfUser {
    fn from(reachable: Reachable) -> Self {
        let Reachable {
            user_id,
            language,
            time_zone,
            notifications,
        } = reachable;
        Self {
            user_id,
            language,
            time_zone,
            notifications,
        }
    }
}
