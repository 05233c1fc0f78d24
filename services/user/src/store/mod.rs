//! Profiles. Every function takes a connection; the caller owns the transaction.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

pub struct Profile {
    pub user_id: Uuid,
    pub display_name: Option<String>,
    pub locale: String,
    pub time_zone: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a change sets; `None` leaves as it is.
pub struct Change<'a> {
    pub display_name: Option<&'a str>,
    pub locale: Option<&'a str>,
    pub time_zone: Option<&'a str>,
}

/// Makes an empty profile, if there is none.
pub async fn ensure(conn: &mut PgConnection, user_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "INSERT INTO profiles (user_id, created_at, updated_at) VALUES ($1, $2, $2) ON CONFLICT (user_id) DO NOTHING",
        user_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Option<Profile>> {
    query_as!(
        Profile,
        "SELECT user_id, display_name, locale, time_zone, created_at, updated_at FROM profiles WHERE user_id = $1",
        user_id
    )
    .fetch_optional(conn)
    .await
}

/// The profile after the change.
pub async fn change(
    conn: &mut PgConnection,
    user_id: Uuid,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Profile> {
    query_as!(
        Profile,
        "UPDATE profiles SET display_name = COALESCE($2, display_name), locale = COALESCE($3, locale),
                time_zone = COALESCE($4, time_zone), updated_at = $5
          WHERE user_id = $1
         RETURNING user_id, display_name, locale, time_zone, created_at, updated_at",
        user_id,
        change.display_name,
        change.locale,
        change.time_zone,
        now
    )
    .fetch_one(conn)
    .await
}
