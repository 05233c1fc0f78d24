//! Dead letters are tried again, by any replica, each by one.

use std::time::Duration;

use serde_json::Value;
use server::Background;
use sqlx::Connection;

use crate::consumer::Failure;
use crate::letters::{self, Row};
use crate::retention::{FORGET_PERIOD, forget_old};
use crate::{Inbox, Unreadable};

const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// After these, an hour in all, only an operator can help.
const ATTEMPTS: i32 = 12;
const LONGEST_PAUSE_S: i32 = 600;
/// A turn is over well within the time to drain.
const LETTERS: usize = 100;

impl Inbox {
    /// Tries dead letters again in the background, and forgets old deliveries.
    pub fn work(&self, background: &Background) {
        let inbox = self.clone();
        background.every(RETRY_PERIOD, "trying dead letters again", move || {
            inbox.clone().retry()
        });
        let pool = self.pool.clone();
        background.every(FORGET_PERIOD, "forgetting old deliveries", move || {
            forget_old(pool.clone())
        });
    }

    /// Tries the dead letters that are due.
    pub async fn retry(self) -> sqlx::Result<()> {
        for _ in 0..LETTERS {
            if !self.retry_one().await? {
                break;
            }
        }
        let (waiting, dead) = letters::count(&mut *self.pool.acquire().await?).await?;
        for (state, count) in [("waiting", waiting), ("dead", dead)] {
            #[expect(clippy::cast_precision_loss, reason = "nobody has so many")]
            metrics::gauge!("dead_letters", "state" => state).set(count as f64);
        }
        Ok(())
    }

    /// `false` if none is due.
    async fn retry_one(&self) -> sqlx::Result<bool> {
        let mut tx = self.pool.begin().await?;
        let Some(letter) = letters::next_due(&mut tx).await? else {
            return Ok(false);
        };
        let consumer = self
            .consumers
            .iter()
            .find(|consumer| consumer.topic() == letter.topic);
        let mut attempt = tx.begin().await?;
        let outcome = match (consumer, serde_json::from_slice::<Value>(&letter.payload)) {
            (None, _) => Err(Unreadable::Kind(format!("{} is not taken here any more", letter.topic)).into()),
            (_, Err(error)) => Err(Unreadable::Form(error).into()),
            (Some(consumer), Ok(event)) => consumer.take(&mut attempt, &[event]).await,
        };
        match outcome {
            Ok(()) => {
                attempt.commit().await?;
                letters::remove(&mut tx, letter.id).await?;
                tx.commit().await?;
                tracing::info!(topic = letter.topic, event_id = ?letter.event_id, "a dead letter took effect");
                consumer.inspect(|consumer| consumer.committed());
            }
            Err(failure) => {
                attempt.rollback().await?;
                letters::failed(
                    &mut tx,
                    letter.id,
                    &failure.to_string(),
                    pause_s(&letter, &failure),
                )
                .await?;
                tx.commit().await?;
            }
        }
        Ok(true)
    }
}

/// How long to wait for the next attempt; `None` if there is none.
fn pause_s(letter: &Row, failure: &Failure) -> Option<i32> {
    let again = !failure.lasts() && letter.attempts + 1 < ATTEMPTS;
    again.then(|| (1 << letter.attempts.clamp(0, 16)).min(LONGEST_PAUSE_S))
}
