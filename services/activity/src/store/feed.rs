//! Reading feeds, and forgetting their old lines. Every function takes a connection; the caller owns the transaction.

use chrono::{DateTime, Utc};
use page::Place;
use serde_json::Value;
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

pub struct FeedRow {
    pub seq: i64,
    pub id: Uuid,
    pub kind: String,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
}

/// Which lines of a user's feed. All that is given has to hold.
pub struct FeedFilter {
    pub user_id: Uuid,
    pub kind: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
}

/// The `limit` lines at `place`, newest first.
pub async fn lines(
    conn: &mut PgConnection,
    filter: &FeedFilter,
    place: Place<i64>,
    limit: i64,
) -> sqlx::Result<Vec<FeedRow>> {
    query_as!(
        FeedRow,
        r#"WITH wanted AS NOT MATERIALIZED (
             SELECT seq, id, kind, data, occurred_at FROM feed
              WHERE user_id = $1 AND ($5::text IS NULL OR kind = $5)
                AND ($6::timestamptz IS NULL OR occurred_at >= $6) AND ($7::timestamptz IS NULL OR occurred_at < $7)
           )
           SELECT seq AS "seq!", id AS "id!", kind AS "kind!", data AS "data!", occurred_at AS "occurred_at!" FROM (
             (SELECT * FROM wanted WHERE NOT $4 AND seq < $2 ORDER BY seq DESC LIMIT $3)
             UNION ALL
             (SELECT * FROM wanted WHERE $4 AND seq > $2 ORDER BY seq LIMIT $3)
           ) AS page ORDER BY seq DESC"#,
        filter.user_id,
        place.key().unwrap_or(i64::MAX),
        limit,
        place.is_back(),
        filter.kind,
        filter.from,
        filter.before,
    )
    .fetch_all(conn)
    .await
}

/// Deletes those of the oldest `limit` lines that happened before `cutoff`, and says how many. Lines are nearly in the order of
/// their time, so no index over the times is needed.
pub async fn forget(conn: &mut PgConnection, cutoff: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted = query!(
        "DELETE FROM feed WHERE seq IN (
             SELECT seq FROM (SELECT seq, occurred_at FROM feed ORDER BY seq LIMIT $2) AS oldest WHERE occurred_at < $1
         )",
        cutoff,
        limit
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}
