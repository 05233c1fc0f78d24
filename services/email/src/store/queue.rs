use serde_json::Value;
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::events::Due;

/// A mail in the queue.
pub struct Mail {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub facts: Value,
    /// A worker was sending it when its lease ended: it may have gone out.
    pub unsure: bool,
}

/// Queues the mails of events, each with its event's id, unless that event did so before.
pub async fn add_all(conn: &mut PgConnection, mails: &[(Uuid, Due)]) -> sqlx::Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    let facts = mails.iter().map(|(_, mail)| serde_json::to_value(&mail.facts));
    let facts: Vec<Value> = facts
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    query!(
        "INSERT INTO mails (id, event_id, user_id, kind, facts, urgent, state, give_up_at, finished_at)
         SELECT *, 'queued', now() + interval '24 hours', NULL
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::bool[])
         ON CONFLICT (event_id, user_id, kind) DO NOTHING",
        &column(mails, |_| Uuid::now_v7()),
        &column(mails, |(event_id, _)| *event_id),
        &column(mails, |(_, mail)| mail.user_id),
        &column(mails, |(_, mail)| mail.kind.name().to_owned()),
        &facts,
        &column(mails, |(_, mail)| mail.kind.is_urgent())
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<T>(mails: &[(Uuid, Due)], value: impl Fn(&(Uuid, Due)) -> T) -> Vec<T> {
    mails.iter().map(value).collect()
}

/// What is due, the urgent ones first; other workers pass over it until the end of the transaction.
pub async fn lock_due(conn: &mut PgConnection, limit: usize) -> sqlx::Result<Vec<Mail>> {
    query_as!(
        Mail,
        r#"SELECT id, user_id, kind, facts, sending_at IS NOT NULL AS "unsure!" FROM mails
           WHERE state = 'queued' AND next_attempt_at <= now()
           ORDER BY urgent DESC, next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED"#,
        i64::try_from(limit).unwrap_or(i64::MAX)
    )
    .fetch_all(conn)
    .await
}

/// Ends the time of mails in the queue that nobody wants.
pub async fn turn_down(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    query!(
        "UPDATE mails SET state = 'unwanted', last_error = NULL, attempts = attempts + 1, lease = NULL, sending_at = NULL,
                          finished_at = now()
         WHERE id = ANY($1)",
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes mails for two minutes; other workers get what is left of them then.
pub async fn lease(conn: &mut PgConnection, ids: &[Uuid], lease: Uuid) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    query!(
        "UPDATE mails SET lease = $2, next_attempt_at = now() + interval '2 minutes' WHERE id = ANY($1)",
        ids,
        lease
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the mail is handed over now, and renews the lease; `false` if the lease has ended and somebody else has it.
pub async fn start(conn: &mut PgConnection, id: Uuid, lease: Uuid) -> sqlx::Result<bool> {
    let started = query!(
        "UPDATE mails SET sending_at = now(), next_attempt_at = now() + interval '2 minutes' WHERE id = $1 AND lease = $2",
        id,
        lease
    );
    Ok(started.execute(conn).await?.rows_affected() == 1)
}

/// Ends the time of a mail in the queue as `sent`, `unwanted`, `bounced` or `failed`.
pub async fn finish(
    conn: &mut PgConnection,
    id: Uuid,
    lease: Uuid,
    state: &str,
    last_error: Option<&str>,
) -> sqlx::Result<()> {
    query!(
        "UPDATE mails SET state = $3, last_error = $4, attempts = attempts + 1, lease = NULL, sending_at = NULL, finished_at = now()
         WHERE id = $1 AND lease = $2",
        id,
        lease,
        state,
        last_error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a mail off for 30 s, then twice as long each time up to an hour, less up to half of it at random: so that what failed
/// together does not come together again. After a day it is given up. Says what its state is now.
pub async fn put_off(
    conn: &mut PgConnection,
    id: Uuid,
    lease: Uuid,
    last_error: &str,
) -> sqlx::Result<Option<String>> {
    query_scalar!(
        "UPDATE mails SET
             state = CASE WHEN now() > give_up_at THEN 'failed' ELSE 'queued' END,
             finished_at = CASE WHEN now() > give_up_at THEN now() END,
             next_attempt_at = now() + interval '1 second' * least(30 * 2 ^ least(attempts, 10), 3600) * (0.5 + random() / 2),
             attempts = attempts + 1, last_error = $3, lease = NULL, sending_at = NULL
         WHERE id = $1 AND lease = $2 RETURNING state",
        id,
        lease,
        last_error
    )
    .fetch_optional(conn)
    .await
}

/// Puts a mail that nobody could take right now behind the others that are due; it was no attempt.
pub async fn put_behind(
    conn: &mut PgConnection,
    id: Uuid,
    lease: Uuid,
    last_error: &str,
) -> sqlx::Result<()> {
    query!(
        "UPDATE mails SET next_attempt_at = now() + interval '1 second', last_error = $3, lease = NULL, sending_at = NULL
         WHERE id = $1 AND lease = $2",
        id,
        lease,
        last_error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives back what of a lease was not sent.
pub async fn release(conn: &mut PgConnection, lease: Uuid) -> sqlx::Result<()> {
    query!(
        "UPDATE mails SET next_attempt_at = now(), lease = NULL WHERE lease = $1",
        lease
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// For how many seconds the oldest mail has waited. Their ids are in the order of their times.
pub async fn oldest_s(conn: &mut PgConnection) -> sqlx::Result<f64> {
    let oldest = query_scalar!(
        "SELECT extract(epoch FROM now() - created_at)::float8 FROM mails WHERE state = 'queued' ORDER BY id LIMIT 1"
    );
    Ok(oldest.fetch_optional(conn).await?.flatten().unwrap_or(0.0))
}
