//! The relay: publishes what the outbox holds, in the order of its commits per subject.
//!
//! Replicas take turns by an advisory lock, so order needs no agreement between them. A wake-up after each
//! commit makes publishing prompt; the poll is a net for what another process left behind. While the broker is
//! down the relay waits longer and longer, and what is waiting stays in the table, not in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use server::Background;
use sidecar::{Publication, Sidecar};
use sqlx::{FromRow, PgPool};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::envelope::Envelope;
use crate::published::{FORGET_PERIOD, forget_old};

const BATCH: u32 = 200;
const POLL: Duration = Duration::from_secs(1);
/// A batch costs nearly as much with one event as with ten: what is committed within this time of the last one goes together.
const GAP: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The advisory lock by which the replicas of a service take turns: any number, as each service has a database of its own.
pub const LOCK: i64 = 0x006F_7574_626F_7800;

/// Wakes the service's relay.
#[derive(Clone, Default)]
pub struct Relay(Arc<Notify>);

/// The work that [`Relay::new`] gives to run in the background.
pub struct Worker {
    pool: PgPool,
    sidecar: Sidecar,
    source: &'static str,
    wake: Relay,
    batch: u32,
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    id: Uuid,
    topic: String,
    kind: String,
    subject: String,
    data: serde_json::Value,
    traceparent: Option<String>,
    occurred_at: DateTime<Utc>,
}

enum Rest {
    For(Duration),
    UntilWoken { gap_ends: Instant },
}

impl Relay {
    /// `source` is this service's app-id, the CloudEvents `source`.
    #[must_use]
    pub fn new(pool: PgPool, sidecar: Sidecar, source: &'static str) -> (Self, Worker) {
        let relay = Self::default();
        let worker = Worker {
            pool,
            sidecar,
            source,
            wake: relay.clone(),
            batch: BATCH,
        };
        (relay, worker)
    }

    /// Call after a commit that enqueued something.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Worker {
    /// With at most so many events at a time.
    #[must_use]
    pub fn in_batches_of(self, batch: u32) -> Self {
        Self { batch, ..self }
    }

    /// Publishes in the background until the service stops, and forgets what was published long ago.
    pub fn start(self, background: &Background) {
        let pool = self.pool.clone();
        background.every(FORGET_PERIOD, "forgetting published events", move || {
            forget_old(pool.clone())
        });
        background.spawn(|stop| self.run(stop));
    }

    /// What is left at the end is published after the next start.
    async fn run(self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let rest = match self.publish_batch().await {
                Ok(published) => {
                    pause = FIRST_PAUSE;
                    if published == self.batch {
                        continue;
                    }
                    Rest::UntilWoken {
                        gap_ends: begun + GAP,
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "events could not be published yet");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    Rest::For(pause)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.rest(rest) => {}
            }
        }
    }

    /// After a success the next commit ends the rest; after a failure only time does.
    async fn rest(&self, rest: Rest) {
        match rest {
            Rest::For(pause) => tokio::time::sleep(pause).await,
            Rest::UntilWoken { gap_ends } => {
                let _woken_or_polled = tokio::time::timeout(POLL, self.wake.0.notified()).await;
                tokio::time::sleep_until(gap_ends).await;
            }
        }
    }

    /// Publishes the oldest events and returns how many. They leave the outbox only after the broker has taken them:
    /// a crash in between publishes them again, under the same ids.
    pub async fn publish_batch(&self) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        let mut tx = self.pool.begin().await?;
        // That they leave need not wait for the disk: what a crash of the database brings back is published again.
        let ours: bool = sqlx::query_scalar(
            "SELECT pg_try_advisory_xact_lock($1) FROM set_config('synchronous_commit', 'off', true)",
        )
        .bind(LOCK)
        .fetch_one(&mut *tx)
        .await?;
        if !ours {
            return Ok(0);
        }
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, id, topic, kind, subject, data, traceparent, occurred_at FROM outbox ORDER BY seq LIMIT $1",
        )
        .bind(i64::from(self.batch))
        .fetch_all(&mut *tx)
        .await?;
        report_lag(&rows);
        if rows.is_empty() {
            return Ok(0);
        }
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        for (topic, events) in self.by_topic(rows) {
            for round in rounds(events) {
                self.sidecar.publish(&topic, round).await?;
            }
        }
        sqlx::query(
            "WITH taken AS (DELETE FROM outbox WHERE seq = ANY($1) RETURNING *)
             INSERT INTO published_events (seq, id, topic, kind, subject, data, traceparent, occurred_at)
             SELECT seq, id, topic, kind, subject, data, traceparent, occurred_at FROM taken",
        )
        .bind(&seqs)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(u32::try_from(seqs.len())?)
    }

    fn by_topic(&self, rows: Vec<Row>) -> Vec<(String, Vec<Publication>)> {
        let mut topics: Vec<(String, Vec<Publication>)> = Vec::new();
        for row in rows {
            let publication = self.publication(&row);
            match topics.iter_mut().find(|(topic, _)| *topic == row.topic) {
                Some((_, events)) => events.push(publication),
                None => topics.push((row.topic, vec![publication])),
            }
        }
        topics
    }

    fn publication(&self, row: &Row) -> Publication {
        let envelope = Envelope {
            id: row.id,
            source: self.source,
            kind: &row.kind,
            subject: &row.subject,
            data: &row.data,
            traceparent: row.traceparent.as_deref(),
            occurred_at: row.occurred_at,
        };
        envelope.publication()
    }
}

/// Where the broker has no bulk operation of its own, daprd publishes the events of a request side by side. So each request
/// has one event of a subject at most, and the next one waits for it.
fn rounds(events: Vec<Publication>) -> Vec<Vec<Publication>> {
    let mut rounds: Vec<Vec<Publication>> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for event in events {
        let round = seen.entry(event.partition_key.clone()).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(event);
        *round += 1;
    }
    rounds
}

/// How long the oldest event has waited, in seconds; 0 when nothing waits.
#[expect(
    clippy::cast_precision_loss,
    reason = "a lag of more than 2^52 ms is late enough"
)]
fn report_lag(rows: &[Row]) {
    let lag = rows
        .first()
        .map_or(0, |oldest| (Utc::now() - oldest.occurred_at).num_milliseconds());
    metrics::gauge!("outbox_lag_seconds").set(lag as f64 / 1000.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_a_subject_are_published_one_after_the_other() {
        let event = |id: &str, subject: &str| Publication {
            id: id.to_owned(),
            partition_key: subject.to_owned(),
            envelope: Vec::new(),
        };
        let events = [
            ("1", "a"),
            ("2", "b"),
            ("3", "a"),
            ("4", "c"),
            ("5", "a"),
            ("6", "b"),
        ];
        let rounds = rounds(events.map(|(id, subject)| event(id, subject)).into());
        let ids: Vec<Vec<&str>> = rounds
            .iter()
            .map(|round| round.iter().map(|event| event.id.as_str()).collect())
            .collect();
        assert_eq!(ids, [vec!["1", "2", "4"], vec!["3", "6"], vec!["5"]]);
    }
}
