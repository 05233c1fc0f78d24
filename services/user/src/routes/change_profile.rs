use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::User;
use problem::{FieldError, Problem, Result};
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::ProfileView;
use crate::AppState;
use crate::domain::address::{ChangeAddress, Incomplete};
use crate::domain::rules::{is_line, is_locale, is_phone, is_picture_url, is_time_zone};
use crate::merge_patch::given;
use crate::store::profiles::{self, Profile};

/// What is left out stays as it is; `null` takes a value away (RFC 7396), but not a locale or a time zone.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProfileRequest {
    #[garde(inner(inner(length(chars, max = 80), custom(is_line))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Option<String>>,
    /// BCP 47, such as `pt-BR`.
    #[garde(inner(custom(is_locale)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    locale: Option<String>,
    /// IANA, such as `Europe/Berlin`.
    #[garde(inner(custom(is_time_zone)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    time_zone: Option<String>,
    /// E.164, such as `+491701234567`.
    #[garde(inner(inner(custom(is_phone))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// The first one needs lines, a city and a country.
    #[garde(dive)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<ChangeAddress>)]
    address: Option<Option<ChangeAddress>>,
    /// `https` only.
    #[garde(inner(inner(custom(is_picture_url))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uri")]
    avatar_url: Option<Option<Url>>,
}

/// Changes the caller's profile and answers the whole of it.
#[utoipa::path(patch, path = "/users/me", tag = "profile", request_body = ChangeProfileRequest,
    security(("bearer" = ["user"])),
    responses((status = 200, body = ProfileView), (status = 422, description = "`invalid_request`")))]
pub async fn change_profile(
    State(app): State<AppState>,
    user: User,
    problem::Json(request): problem::Json<ChangeProfileRequest>,
) -> Result<Json<ProfileView>> {
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    let before = profiles::open(&mut tx, user.id, now).await?;
    let after = request
        .applied_to(before)
        .map_err(|Incomplete| incomplete_address())?;
    let saved = profiles::save(&mut tx, &after, now).await?;
    tx.commit().await?;
    Ok(Json(saved.into()))
}

impl ChangeProfileRequest {
    fn applied_to(self, before: Profile) -> Result<Profile, Incomplete> {
        let address = match self.address {
            None => before.address,
            Some(None) => None,
            Some(Some(change)) => Some(change.applied_to(before.address.map(|json| json.0))?.into()),
        };
        Ok(Profile {
            display_name: self.display_name.unwrap_or(before.display_name),
            locale: self.locale.unwrap_or(before.locale),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            phone: self.phone.unwrap_or(before.phone),
            address,
            avatar_url: self
                .avatar_url
                .map_or(before.avatar_url, |url| url.map(String::from)),
            ..before
        })
    }
}

fn incomplete_address() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
    .errors(vec![FieldError {
        field: "address".to_owned(),
        message: "needs lines, a city and a country".to_owned(),
    }])
}
