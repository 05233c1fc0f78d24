//! When transfers were committed, and when their effects were in the slowest consumer: by PostgreSQL's own note of each commit,
//! so that looking takes nothing from what is measured.

use std::collections::HashMap;
use std::time::Duration;

use ::tests::{Stack, within};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::Server;

/// The stack's PostgreSQL has to be started with it.
pub const COMMIT_TIMES: (&str, &str) = ("PAYME_PG_OPTIONS", "-c track_commit_timestamp=on");

/// Who takes `TRANSACTION_MADE`. A row of their inbox is committed with its event's effect, and never changes.
pub const CONSUMERS: [&str; 2] = ["activity", "email"];
const PATIENCE: Duration = Duration::from_mins(4);
const LOOK: Duration = Duration::from_millis(500);

pub struct Effects {
    transaction: PgPool,
    consumers: Vec<PgPool>,
}

/// One transfer; all are on one clock.
pub struct Made {
    pub committed: DateTime<Utc>,
    /// In the consumer that was last.
    pub effective: DateTime<Utc>,
}

impl Made {
    pub fn took(&self) -> Duration {
        (self.effective - self.committed).to_std().unwrap_or_default()
    }
}

impl Effects {
    pub async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let server = Server::of(stack)?;
        let mut consumers = Vec::new();
        for database in CONSUMERS {
            consumers.push(server.connect(database).await?);
        }
        Ok(Self {
            transaction: server.connect("transaction").await?,
            consumers,
        })
    }

    /// The transfers that were completed since then, once all have had their effects.
    pub async fn since(&self, since: DateTime<Utc>) -> anyhow::Result<Vec<Made>> {
        within(PATIENCE, "every transfer has its effects", || async {
            tokio::time::sleep(LOOK).await;
            self.look(since).await.ok().flatten()
        })
        .await
    }

    /// None: some have not had their effects.
    async fn look(&self, since: DateTime<Utc>) -> anyhow::Result<Option<Vec<Made>>> {
        let committed: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "select id, pg_xact_commit_timestamp(xmin) from transactions where state = 'completed' and completed_at >= $1",
        )
        .bind(since)
        .fetch_all(&self.transaction)
        .await?;
        let ids: Vec<_> = committed.iter().map(|(id, _)| *id).collect();
        let mut last: HashMap<Uuid, DateTime<Utc>> = HashMap::new();
        for consumer in &self.consumers {
            let effective: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
                "select event_id, pg_xact_commit_timestamp(xmin) from inbox where event_id = any($1)",
            )
            .bind(&ids)
            .fetch_all(consumer)
            .await?;
            if effective.len() < ids.len() {
                return Ok(None);
            }
            for (id, at) in effective {
                let latest = last.entry(id).or_insert(at);
                *latest = at.max(*latest);
            }
        }
        let made = committed.into_iter().map(|(id, committed)| Made {
            committed,
            effective: last[&id],
        });
        Ok(Some(made.collect()))
    }
}
