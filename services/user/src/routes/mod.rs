//! One endpoint, one file.

pub mod change_preferences;
pub mod change_profile;
pub mod erase_user;
pub mod preferences_of_users;
pub mod provision;
pub mod show_preferences;
pub mod show_profile;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::address::Address;
use crate::store::profiles::Profile;

/// A user's profile, as the user sees it.
#[derive(Serialize, ToSchema)]
pub struct ProfileView {
    user_id: Uuid,
    display_name: Option<String>,
    /// BCP 47
    locale: String,
    /// IANA
    time_zone: String,
    /// E.164
    phone: Option<String>,
    address: Option<Address>,
    avatar_url: Option<String>,
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
            phone,
            address,
            avatar_url,
            created_at,
            updated_at,
        } = profile;
        Self {
            user_id,
            display_name,
            locale,
            time_zone,
            phone,
            address: address.map(|json| json.0),
            avatar_url,
            created_at,
            updated_at,
        }
    }
}
