//! The reports of verifications.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub struct Stored {
    pub id: Uuid,
    pub report: Value,
}

/// Keeps a report.
pub async fn keep(db: &mut PgConnection, id: Uuid, requested_by: Uuid, report: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into verifications (id, requested_by, report) values ($1, $2, $3)",
        id,
        requested_by,
        report,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The report that was finished last.
pub async fn newest(db: &mut PgConnection) -> sqlx::Result<Option<Stored>> {
    sqlx::query_as!(
        Stored,
        "select id, report from verifications order by finished_at desc limit 1"
    )
    .fetch_optional(db)
    .await
}
