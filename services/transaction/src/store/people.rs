//! The names of people, as Auth has told them.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::people::Known;

/// Notes somebody's name, where it is not known.
pub async fn remember(db: &mut PgConnection, person: &Known) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into people (user_id, username) values ($1, $2)
         on conflict (user_id) do update set username = excluded.username where people.username <> excluded.username",
        person.user_id,
        person.username,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets somebody's name.
pub async fn forget(db: &mut PgConnection, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from people where user_id = $1", user)
        .execute(db)
        .await?;
    Ok(())
}
