//! What users prefer. Who has no row has the defaults.

use sqlx::types::Json;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use crate::domain::preferences::{Notifications, Preferences};
use crate::domain::rules::DEFAULT_TIME_ZONE;

/// What somebody who writes to a user needs to know.
pub struct Reachable {
    pub user_id: Uuid,
    pub language: String,
    pub time_zone: String,
    pub notifications: Notifications,
}

struct Row {
    language: String,
    default_account_id: Option<Uuid>,
    notifications: Json<Notifications>,
}

impl From<Row> for Preferences {
    fn from(row: Row) -> Self {
        Self {
            language: row.language,
            default_account_id: row.default_account_id,
            notifications: row.notifications.0,
        }
    }
}

pub async fn find(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Option<Preferences>> {
    let row = query_as!(
        Row,
        r#"SELECT language, default_account_id, notifications AS "notifications: Json<Notifications>"
             FROM preferences WHERE user_id = $1"#,
        user_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Preferences::from))
}

/// The preferences, whose row is made if there is none, and locked until the end of the transaction.
pub async fn open(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Preferences> {
    let default = Preferences::default();
    let row = query_as!(
        Row,
        r#"INSERT INTO preferences (user_id, language, notifications) VALUES ($1, $2, $3)
               ON CONFLICT (user_id) DO UPDATE SET user_id = EXCLUDED.user_id
           RETURNING language, default_account_id, notifications AS "notifications: Json<Notifications>""#,
        user_id,
        default.language,
        Json(default.notifications) as Json<Notifications>,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// What a newer version keeps of notifications besides stays.
pub async fn save(conn: &mut PgConnection, user_id: Uuid, preferences: &Preferences) -> sqlx::Result<()> {
    query!(
        "UPDATE preferences SET language = $2, default_account_id = $3, notifications = notifications || $4 WHERE user_id = $1",
        user_id,
        preferences.language,
        preferences.default_account_id,
        Json(&preferences.notifications) as Json<&Notifications>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One for each id, in the same order.
pub async fn of_users(conn: &mut PgConnection, user_ids: &[Uuid]) -> sqlx::Result<Vec<Reachable>> {
    let rows = query!(
        r#"SELECT asked.user_id AS "user_id!", language AS "language?", time_zone AS "time_zone?",
                  notifications AS "notifications?: Json<Notifications>"
             FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (user_id, position)
             LEFT JOIN profiles ON profiles.user_id = asked.user_id
             LEFT JOIN preferences ON preferences.user_id = asked.user_id
            ORDER BY position"#,
        user_ids
    )
    .fetch_all(conn)
    .await?;
    let default = Preferences::default();
    Ok(rows
        .into_iter()
        .map(|row| Reachable {
            user_id: row.user_id,
            language: row.language.unwrap_or_else(|| default.language.clone()),
            time_zone: row.time_zone.unwrap_or_else(|| DEFAULT_TIME_ZONE.to_owned()),
            notifications: row
                .notifications
                .map_or_else(|| default.notifications.clone(), |Json(kinds)| kinds),
        })
        .collect())
}

pub async fn erase(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    query!("DELETE FROM preferences WHERE user_id = $1", user_id)
        .execute(conn)
        .await?;
    Ok(())
}
