//! What users tell of themselves.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::domain::address::Address;

pub struct Profile {
    pub user_id: Uuid,
    pub display_name: Option<String>,
    pub locale: String,
    pub time_zone: String,
    pub phone: Option<String>,
    pub address: Option<Json<Address>>,
    pub avatar_url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub async fn find(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Option<Profile>> {
    query_as!(
        Profile,
        r#"SELECT user_id, display_name, locale, time_zone, phone, address AS "address: Json<Address>", avatar_url,
                  created_at, updated_at
             FROM profiles WHERE user_id = $1"#,
        user_id
    )
    .fetch_optional(conn)
    .await
}

/// The profile, which is made if there is none, and locked until the end of the transaction. It is one statement, so
/// that a profile can't be erased between its two halves.
pub async fn open(conn: &mut PgConnection, user_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<Profile> {
    query_as!(
        Profile,
        r#"INSERT INTO profiles (user_id, created_at, updated_at) VALUES ($1, $2, $2)
               ON CONFLICT (user_id) DO UPDATE SET user_id = EXCLUDED.user_id
           RETURNING user_id, display_name, locale, time_zone, phone, address AS "address: Json<Address>", avatar_url,
                     created_at, updated_at"#,
        user_id,
        now
    )
    .fetch_one(conn)
    .await
}

/// Writes what a user may change; the profile as it is stored then.
pub async fn save(conn: &mut PgConnection, profile: &Profile, now: DateTime<Utc>) -> sqlx::Result<Profile> {
    query_as!(
        Profile,
        r#"UPDATE profiles SET display_name = $2, locale = $3, time_zone = $4, phone = $5, address = $6, avatar_url = $7,
                  updated_at = $8
            WHERE user_id = $1
           RETURNING user_id, display_name, locale, time_zone, phone, address AS "address: Json<Address>", avatar_url,
                     created_at, updated_at"#,
        profile.user_id,
        profile.display_name,
        profile.locale,
        profile.time_zone,
        profile.phone,
        profile.address.as_ref() as Option<&Json<Address>>,
        profile.avatar_url,
        now,
    )
    .fetch_one(conn)
    .await
}

pub async fn erase(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    query!("DELETE FROM profiles WHERE user_id = $1", user_id)
        .execute(conn)
        .await?;
    Ok(())
}
