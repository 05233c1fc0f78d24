//! What the streams of feeds need. Every function takes a connection; the caller owns the transaction.

use sqlx::{PgConnection, query_as, query_scalar};
use uuid::Uuid;

use super::feed::FeedRow;

/// The channel on which PostgreSQL tells all replicas whose feeds have new lines.
pub const CHANNEL: &str = "feed";
/// PostgreSQL takes 8,000 bytes at a time, and an id with its comma has 37.
const USERS_AT_A_TIME: usize = 200;

/// What has to be said on [`CHANNEL`] to wake the streams of these users in all replicas.
pub(super) fn notices(users: impl Iterator<Item = Uuid>) -> Vec<String> {
    let names: Vec<_> = users.map(|user| user.to_string()).collect();
    names
        .chunks(USERS_AT_A_TIME)
        .map(|names| names.join(","))
        .collect()
}

/// The number of the newest line of a user's feed; 0 if there is none.
pub async fn newest(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<i64> {
    query_scalar!(
        r#"SELECT coalesce(max(seq), 0) AS "seq!" FROM feed WHERE user_id = $1"#,
        user_id
    )
    .fetch_one(conn)
    .await
}

/// The oldest lines after the line `after`.
pub async fn lines_after(
    conn: &mut PgConnection,
    user_id: Uuid,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<FeedRow>> {
    query_as!(
        FeedRow,
        "SELECT seq, id, kind, data, occurred_at FROM feed WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        user_id,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
