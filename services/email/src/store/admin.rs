use chrono::{DateTime, Utc};
use page::Place;
use sqlx::{PgConnection, query_as};
use uuid::Uuid;

pub struct MailRow {
    pub id: Uuid,
    pub event_id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub state: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub next_attempt_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// The mails of a state at `place`, newest first.
pub async fn of_state(
    conn: &mut PgConnection,
    state: &str,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<MailRow>> {
    query_as!(
        MailRow,
        r#"SELECT id AS "id!", event_id AS "event_id!", user_id AS "user_id!", kind AS "kind!", state AS "state!",
             attempts AS "attempts!", last_error, next_attempt_at AS "next_attempt_at!", created_at AS "created_at!", finished_at
           FROM (
             (SELECT * FROM mails WHERE state = $1 AND NOT $4 AND id < $2 ORDER BY id DESC LIMIT $3)
             UNION ALL
             (SELECT * FROM mails WHERE state = $1 AND $4 AND id > $2 ORDER BY id LIMIT $3)
           ) AS page ORDER BY id DESC"#,
        state,
        place.key().unwrap_or(Uuid::max()),
        limit,
        place.is_back(),
    )
    .fetch_all(conn)
    .await
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<MailRow>> {
    query_as!(
        MailRow,
        "SELECT id, event_id, user_id, kind, state, attempts, last_error, next_attempt_at, created_at, finished_at
         FROM mails WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await
}

/// Queues a mail again, for another day of attempts.
pub async fn queue_again(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<MailRow> {
    query_as!(
        MailRow,
        "UPDATE mails SET state = 'queued', finished_at = NULL, attempts = 0, next_attempt_at = now(),
             give_up_at = now() + interval '24 hours'
         WHERE id = $1
         RETURNING id, event_id, user_id, kind, state, attempts, last_error, next_attempt_at, created_at, finished_at",
        id
    )
    .fetch_one(conn)
    .await
}
