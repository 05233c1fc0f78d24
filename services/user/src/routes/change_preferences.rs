use axum::Json;
use axum::extract::State;
use garde::Validate;
use identity::User;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::domain::preferences::{ChangeNotifications, Preferences};
use crate::domain::rules::is_locale;
use crate::merge_patch::given;
use crate::store::preferences;

/// What is left out stays as it is; `null` takes the default account away (RFC 7396).
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePreferencesRequest {
    /// Of mails and messages; BCP 47.
    #[garde(inner(custom(is_locale)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    language: Option<String>,
    /// Not looked up at Account: it is a hint for clients.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    default_account_id: Option<Option<Uuid>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = ChangeNotifications, required = false)]
    notifications: Option<ChangeNotifications>,
}

/// Changes what the caller prefers and answers the whole of it. What is told for security's sake can't be turned off.
#[utoipa::path(patch, path = "/users/me/preferences", tag = "preferences", request_body = ChangePreferencesRequest,
    security(("bearer" = ["user"])),
    responses((status = 200, body = Preferences), (status = 422, description = "`invalid_request`")))]
pub async fn change_preferences(
    State(app): State<AppState>,
    user: User,
    problem::Json(request): problem::Json<ChangePreferencesRequest>,
) -> Result<Json<Preferences>> {
    let mut tx = app.pool.begin().await?;
    let before = preferences::open(&mut tx, user.id).await?;
    let after = request.applied_to(before);
    preferences::save(&mut tx, user.id, &after).await?;
    tx.commit().await?;
    Ok(Json(after))
}

impl ChangePreferencesRequest {
    fn applied_to(self, before: Preferences) -> Preferences {
        Preferences {
            language: self.language.unwrap_or(before.language),
            default_account_id: self.default_account_id.unwrap_or(before.default_account_id),
            notifications: self
                .notifications
                .unwrap_or_default()
                .applied_to(before.notifications),
        }
    }
}
