//! What the broker has taken is kept for a while: one that lost its data gets it again, and who had an event already knows its id.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};

pub(crate) const FORGET_PERIOD: Duration = Duration::from_mins(1);
/// As long as a broker keeps an event for a consumer that is away; consumers know its id for longer.
const KEEP_DAYS: i32 = 7;

/// `publish-again SINCE [UNTIL]`, both as in RFC 3339; without an end, up to now.
pub async fn command(arguments: &[&str]) -> anyhow::Result<()> {
    let (since, until) = match arguments {
        [since] => (time(since)?, Utc::now()),
        [since, until] => (time(since)?, time(until)?),
        _ => bail!("usage: publish-again SINCE [UNTIL], times such as 2026-11-26T14:00:00Z"),
    };
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let mut conn = PgConnection::connect(&url)
        .await
        .context("the database can't be reached")?;
    let count = publish_again(&mut conn, since, until).await?;
    println!("{count} to be published again");
    Ok(())
}

fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text);
    Ok(time
        .with_context(|| format!("{text} is no time such as 2026-11-26T14:00:00Z"))?
        .to_utc())
}

/// Puts what was published from `since` on and before `until` back into the outbox, in its order, under the same ids, and says how
/// many. The relay of a running service publishes it within a second.
pub async fn publish_again(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let moved = sqlx::query(
        "WITH again AS (
             DELETE FROM published_events WHERE published_at >= $1 AND published_at < $2
             RETURNING seq, id, topic, kind, subject, data, traceparent, occurred_at
         )
         INSERT INTO outbox (id, topic, kind, subject, data, traceparent, occurred_at)
         SELECT id, topic, kind, subject, data, traceparent, occurred_at FROM again ORDER BY seq",
    )
    .bind(since)
    .bind(until)
    .execute(conn)
    .await?;
    Ok(moved.rows_affected())
}

/// Forgets what was published more than seven days ago, as much as one turn may take.
pub(crate) async fn forget_old(pool: PgPool) -> sqlx::Result<()> {
    server::forget_in_chunks(pool, forget_chunk).await
}

/// Forgets the oldest of these events, `limit` at most, and says how many. Replicas pass over what another is deleting.
pub async fn forget_chunk(conn: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let forgotten = sqlx::query(
        "DELETE FROM published_events WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM published_events WHERE published_at < now() - make_interval(days => $1)
             ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ))",
    )
    .bind(KEEP_DAYS)
    .bind(limit)
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}
