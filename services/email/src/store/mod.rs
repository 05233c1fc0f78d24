//! Which mails were sent. Every function takes a connection; the caller owns the transaction.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::kind::Kind;

/// Notes a mail that is about to be sent in this transaction; `false` if it was sent before. Another delivery of the same
/// event that runs now waits here.
pub async fn first_mail(
    conn: &mut PgConnection,
    event_id: Uuid,
    user_id: Uuid,
    kind: Kind,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let noted = query!(
        "INSERT INTO mails (event_id, user_id, kind, sent_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        event_id,
        user_id,
        kind.name(),
        now
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

pub async fn was_sent(conn: &mut PgConnection, event_id: Uuid, user_id: Uuid) -> sqlx::Result<bool> {
    let row = query!(
        "SELECT 1 AS found FROM mails WHERE event_id = $1 AND user_id = $2",
        event_id,
        user_id
    );
    Ok(row.fetch_optional(conn).await?.is_some())
}
