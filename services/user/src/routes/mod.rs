//! One endpoint, one file.

pub mod change_profile;
pub mod provision;
pub mod show_profile;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::Profile;

/// A user's profile, as the user sees it.
#[derive(Serialize, ToSchema)]
pub struct ProfileView {
    user_id: Uuid,
    display_name: Option<String>,
    /// BCP 47
    locale: String,
    /// IANA
    time_zone: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile {
            user_id,
            display_name,
            locale,
            time_zone,
            created_at,
            updated_at,
        } = profile;
        Self {
            user_id,
            display_name,
            locale,
            time_zone,
            created_at,
            updated_at,
        }
    }
}
