//! The worker sends what is queued. Its lease on a batch outlives no crash, so another worker goes on with it.
//!
//! A mail is sent at least once: it is marked right before it is handed over and right after, and only a crash between the two
//! sends it again. No mail system can rule that out.

use std::num::NonZeroU32;
use std::time::Duration;

use problem::Result;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::AppState;
use crate::addressees::{Addressees, Found, Wishes};
use crate::facts::Facts;
use crate::kind::Kind;
use crate::mailer::{Refusal, is_one_address};
use crate::store::queue::{self, Mail};

/// What is queued within this time goes together: nobody misses a mail that soon, and the others and the disk are asked once for all.
const GATHER: Duration = Duration::from_millis(200);
/// With the other parties, no more people than Auth tells of at once.
const BATCH: usize = 50;
const POLL: Duration = Duration::from_secs(1);
const UNWANTED: &str = "unwanted";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

pub struct Worker {
    app: AppState,
    /// Providers have quotas.
    pace: Interval,
}

/// What is to be done after a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// There may be more.
    Again,
    /// Nothing is due.
    Rest,
    /// No mail goes out right now.
    Pause,
}

impl Worker {
    pub fn new(app: AppState, rate_per_s: NonZeroU32) -> Self {
        let mut pace = interval(Duration::from_secs(1) / rate_per_s.get());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { app, pace }
    }

    /// Sends until `stop`. While nothing can be sent it waits longer and longer, and what is queued stays as it is.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let next = self.turn(&stop).await.unwrap_or_else(|problem| {
                tracing::warn!(code = problem.code(), "mails wait");
                Next::Pause
            });
            let rest = async {
                match next {
                    Next::Again => {}
                    Next::Rest => {
                        let _woken_or_polled = tokio::time::timeout(POLL, self.app.wake.notified()).await;
                        tokio::time::sleep(GATHER).await;
                    }
                    Next::Pause => tokio::time::sleep(pause).await,
                }
            };
            let _or_stopped = stop.run_until_cancelled(rest).await;
            pause = match next {
                Next::Pause => (pause * 2).min(LONGEST_PAUSE),
                _ => FIRST_PAUSE,
            };
        }
    }

    /// Sends a batch of what is due.
    pub async fn turn(&mut self, stop: &CancellationToken) -> Result<Next> {
        // Locked, and not leased yet, while User is asked: so what nobody wants is written once. A crash lets go of it.
        let mut tx = self.app.pool.begin().await?;
        let due = queue::lock_due(&mut tx, BATCH).await?;
        if due.is_empty() {
            return Ok(Next::Rest);
        }
        let full = due.len() == BATCH;
        let wishes = Wishes::of(&self.app, &due).await;
        let (unwanted, mut mails): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|mail| wishes.turn_down(mail));
        let lease = Uuid::now_v7();
        queue::turn_down(&mut tx, &ids(&unwanted)).await?;
        queue::lease(&mut tx, &ids(&mails), lease).await?;
        tx.commit().await?;
        for mail in &unwanted {
            report(mail, UNWANTED, None);
        }
        // The oldest first.
        mails.sort_by_key(|mail| mail.id);
        let next = self.send_all(mails, lease, wishes, stop).await;
        if matches!(next, Ok(Next::Again)) && !stop.is_cancelled() {
            return Ok(if full { Next::Again } else { Next::Rest });
        }
        // Whatever ended the turn early, the rest need not wait for the lease's end.
        queue::release(&mut *self.app.pool.acquire().await?, lease).await?;
        next
    }

    async fn send_all(
        &mut self,
        mails: Vec<Mail>,
        lease: Uuid,
        wishes: Wishes,
        stop: &CancellationToken,
    ) -> Result<Next> {
        if mails.is_empty() {
            return Ok(Next::Again);
        }
        let addressees = Addressees::of(&self.app, &mails, wishes).await?;
        let mut next = Next::Again;
        for mail in &mails {
            if stop.is_cancelled() {
                break;
            }
            match self.send(mail, lease, &addressees).await? {
                Next::Again => {}
                Next::Rest => next = Next::Pause,
                Next::Pause => return Ok(Next::Pause),
            }
        }
        Ok(next)
    }

    async fn send(&mut self, mail: &Mail, lease: Uuid, addressees: &Addressees) -> Result<Next> {
        let Some(kind) = Kind::of(&mail.kind) else {
            // Of a newer version: a replica that knows it will send it.
            return self.put_off(mail, lease, "template").await;
        };
        let facts: Facts = serde_json::from_value(mail.facts.clone()).unwrap_or_default();
        let found = addressees.find(&self.app, mail.user_id, kind, &facts).await;
        let (kind, to) = match found.unwrap_or(Found::Unknown) {
            // The others of the batch need not wait for this one.
            Found::Unknown => return Ok(Next::Rest),
            Found::Gone => {
                return self.finish(mail, lease, UNWANTED, Some("user_gone")).await;
            }
            Found::Writable(kind, to) => (kind, to),
        };
        if !is_one_address(&to.email) {
            return self.finish(mail, lease, "failed", Some("address")).await;
        }
        let letter = match self.app.letters.write(kind, &to, &facts) {
            Ok(letter) => letter,
            Err(error) => {
                tracing::error!(kind = kind.name(), error = %error.kind(), "a mail could not be written");
                return self.finish(mail, lease, "failed", Some("template")).await;
            }
        };
        self.pace.tick().await;
        if !queue::start(&mut *self.app.pool.acquire().await?, mail.id, lease).await? {
            return Ok(Next::Again);
        }
        if mail.unsure {
            tracing::warn!(mail_id = %mail.id, kind = mail.kind, "a mail that may have gone out before a crash is sent again");
        }
        let sent = self.app.mailer.send(&to.email, letter).await;
        self.settle(mail, lease, sent).await
    }

    /// Records what became of a mail that was handed over.
    async fn settle(&self, mail: &Mail, lease: Uuid, sent: Result<(), Refusal>) -> Result<Next> {
        match sent {
            Ok(()) => self.finish(mail, lease, "sent", None).await,
            Err(Refusal::Permanent(reply)) => {
                self.finish(mail, lease, "bounced", Some(&format!("smtp_{reply}")))
                    .await
            }
            Err(Refusal::Transient(reply)) => self.put_off(mail, lease, &format!("smtp_{reply}")).await,
            Err(Refusal::Unreachable) => {
                tracing::warn!(kind = mail.kind, "no mail can be sent right now; the queue waits");
                queue::put_behind(
                    &mut *self.app.pool.acquire().await?,
                    mail.id,
                    lease,
                    "unreachable",
                )
                .await?;
                Ok(Next::Pause)
            }
        }
    }

    async fn put_off(&self, mail: &Mail, lease: Uuid, error: &str) -> Result<Next> {
        let mut conn = self.app.pool.acquire().await?;
        let state = queue::put_off(&mut conn, mail.id, lease, error).await?;
        if state.as_deref() == Some("failed") {
            report(mail, "failed", Some("given_up"));
        }
        Ok(Next::Again)
    }

    async fn finish(
        &self,
        mail: &Mail,
        lease: Uuid,
        state: &'static str,
        error: Option<&str>,
    ) -> Result<Next> {
        queue::finish(&mut *self.app.pool.acquire().await?, mail.id, lease, state, error).await?;
        report(mail, state, error);
        Ok(Next::Again)
    }
}

fn ids(mails: &[Mail]) -> Vec<Uuid> {
    mails.iter().map(|mail| mail.id).collect()
}

fn report(mail: &Mail, state: &'static str, error: Option<&str>) {
    metrics::counter!("mails_total", "kind" => mail.kind.clone(), "state" => state).increment(1);
    if matches!(state, "bounced" | "failed") {
        tracing::warn!(mail_id = %mail.id, kind = mail.kind, state, error, "a mail did not go out");
    }
}
