//! Reading the audit log.

use chrono::{DateTime, Utc};
use page::Place;
use serde_json::Value;
use sqlx::{PgConnection, query_as};
use uuid::Uuid;

/// Which lines. All that is given has to hold.
#[derive(Default)]
pub struct LogFilter {
    pub kind: Option<String>,
    pub subject: Option<String>,
    pub user_id: Option<Uuid>,
    pub from: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
}

pub struct LogRow {
    pub seq: i64,
    pub event_id: Uuid,
    pub kind: String,
    pub subject: String,
    pub data: Value,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

/// The `limit` lines at `place`, newest first.
pub async fn lines(
    conn: &mut PgConnection,
    filter: &LogFilter,
    place: Place<i64>,
    limit: i64,
) -> sqlx::Result<Vec<LogRow>> {
    query_as!(
        LogRow,
        r#"WITH wanted AS NOT MATERIALIZED (
             SELECT seq, event_id, kind, subject, data, occurred_at, received_at FROM audit_log
              WHERE ($4::text IS NULL OR kind = $4) AND ($5::text IS NULL OR subject = $5)
                AND ($6::uuid IS NULL OR event_id IN (SELECT event_id FROM feed WHERE user_id = $6))
                AND ($7::timestamptz IS NULL OR received_at >= $7) AND ($8::timestamptz IS NULL OR received_at < $8)
           )
           SELECT seq AS "seq!", event_id AS "event_id!", kind AS "kind!", subject AS "subject!", data AS "data!",
                  occurred_at AS "occurred_at!", received_at AS "received_at!" FROM (
             (SELECT * FROM wanted WHERE NOT $3 AND seq < $1 ORDER BY seq DESC LIMIT $2)
             UNION ALL
             (SELECT * FROM wanted WHERE $3 AND seq > $1 ORDER BY seq LIMIT $2)
           ) AS page ORDER BY seq DESC"#,
        place.key().unwrap_or(i64::MAX),
        limit,
        place.is_back(),
        filter.kind,
        filter.subject,
        filter.user_id,
        filter.from,
        filter.before,
    )
    .fetch_all(conn)
    .await
}
