//! What goes wrong during a run, one thing at a time, in an order that the seed gives.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::books::Books;
use super::record::Record;
use crate::{Stack, within};

/// How long the system may take to be whole again.
const RECOVERY: Duration = Duration::from_mins(1);
const REDELIVERED: i64 = 100;

#[derive(Clone, Copy)]
enum Fault {
    KillService(&'static str),
    KillSidecar(&'static str),
    /// One connection of a service to PostgreSQL ends.
    EndBackend,
    /// SIGKILL, upon which PostgreSQL ends all its connections and recovers from its log.
    KillBackend,
    /// Events that were delivered are published again under their ids, in another order.
    Redeliver,
}

const ALL: [Fault; 7] = [
    Fault::KillService("account"),
    Fault::KillService("transaction"),
    Fault::KillSidecar("account"),
    Fault::KillSidecar("transaction"),
    Fault::EndBackend,
    Fault::KillBackend,
    Fault::Redeliver,
];

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::KillService("account") => "account killed",
            Self::KillService(_) => "transaction killed",
            Self::KillSidecar("account") => "account's sidecar killed",
            Self::KillSidecar(_) => "transaction's sidecar killed",
            Self::EndBackend => "connection to PostgreSQL ended",
            Self::KillBackend => "PostgreSQL backend killed",
            Self::Redeliver => "events delivered again",
        }
    }
}

pub struct Injector<'a> {
    stack: &'a Stack,
    books: &'a Books,
    record: &'a Record,
    http: reqwest::Client,
    rng: StdRng,
}

impl<'a> Injector<'a> {
    pub fn new(stack: &'a Stack, books: &'a Books, record: &'a Record, seed: u64) -> Self {
        Self {
            stack,
            books,
            record,
            http: reqwest::Client::new(),
            rng: StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(999)),
        }
    }

    /// Until `end`: each fault once in some order, then again in another.
    pub async fn run(mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            let mut round = ALL;
            round.shuffle(&mut self.rng);
            for fault in round {
                sleep(Duration::from_millis(self.rng.random_range(500..3_000))).await;
                if Instant::now() >= end {
                    return Ok(());
                }
                self.inject(fault).await.context(fault.name())?;
                self.record.fault(fault.name());
                if let Err(error) = self.recovered().await {
                    return Err(error.context(format!("{}\n{}", fault.name(), self.last_words().await?)));
                }
            }
        }
    }

    async fn inject(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::KillService(app) => {
                self.stack.kill(app)?;
                self.pause().await;
                self.stack.start_again(app)
            }
            Fault::KillSidecar(app) => {
                self.stack.kill_sidecar(app)?;
                self.pause().await;
                self.stack.start_sidecar_again(app)
            }
            Fault::EndBackend => {
                let pid = self.backend().await?;
                let end = sqlx::query("select pg_terminate_backend($1)").bind(pid);
                end.execute(&self.books.account).await?;
                Ok(())
            }
            Fault::KillBackend => {
                let mut witness = self.books.account.acquire().await?;
                let pid = self.backend().await?.to_string();
                self.stack.infra().kill("postgres", &pid).await?;
                // Until the server has noticed it looks as if it were whole.
                let noticed = async {
                    while sqlx::query("select 1").execute(&mut *witness).await.is_ok() {
                        sleep(Duration::from_millis(20)).await;
                    }
                };
                timeout(RECOVERY, noticed).await.context("PostgreSQL goes on")
            }
            Fault::Redeliver => self.redeliver().await,
        }
    }

    /// How long something is away.
    async fn pause(&mut self) {
        sleep(Duration::from_millis(self.rng.random_range(0..800))).await;
    }

    /// The process that serves one of the connections of the two services.
    async fn backend(&mut self) -> anyhow::Result<i32> {
        let service = *["account", "transaction"]
            .choose(&mut self.rng)
            .context("no service")?;
        let pids: Vec<i32> =
            sqlx::query_scalar("select pid from pg_stat_activity where usename = $1 and backend_type = 'client backend' order by backend_start")
                .bind(service)
                .fetch_all(&self.books.account)
                .await?;
        pids.choose(&mut self.rng)
            .copied()
            .with_context(|| format!("{service} has no connection"))
    }

    async fn redeliver(&mut self) -> anyhow::Result<()> {
        let mut events: Vec<Value> = sqlx::query_scalar(
            "select jsonb_build_object('specversion', '1.0', 'id', event_id, 'source', 'transaction', 'type', kind,
                                       'subject', subject, 'time', occurred_at, 'datacontenttype', 'application/json', 'data', data)
             from audit_log where kind = 'payme.transaction.made.v1' order by received_at desc limit $1",
        )
        .bind(REDELIVERED)
        .fetch_all(&self.books.activity)
        .await?;
        events.shuffle(&mut self.rng);
        let url = self
            .stack
            .sidecar_url("transaction", "/v1.0/publish/pubsub/TRANSACTION_MADE")?;
        let token = self.stack.env().get("DAPR_API_TOKEN").context("no token")?;
        for event in events {
            let request = self.http.post(&url).header("dapr-api-token", token);
            let request = request.header("content-type", "application/cloudevents+json");
            let status = request.body(event.to_string()).send().await?.status();
            ensure!(status.is_success(), "the event was not taken: {status}");
        }
        Ok(())
    }

    /// The ends of the logs, which say why a service did not come back.
    async fn last_words(&self) -> anyhow::Result<String> {
        let mut words = String::new();
        for app in ["account", "transaction"] {
            let log = self.stack.log_of(app).await?;
            let lines: Vec<_> = log.lines().collect();
            let last = lines.len().saturating_sub(5);
            writeln!(words, "{app}: {}", lines[last..].join("\n  "))?;
        }
        Ok(words)
    }

    /// PostgreSQL answers, every service is ready, and every sidecar that was touched.
    async fn recovered(&self) -> anyhow::Result<()> {
        within(RECOVERY, "PostgreSQL answers", || async {
            let answer = sqlx::query("select 1").execute(&self.books.account).await;
            answer.is_ok().then_some(())
        })
        .await?;
        self.stack.ready().await?;
        for app in ["account", "transaction"] {
            let url = self.stack.sidecar_url(app, "/v1.0/healthz")?;
            within(RECOVERY, &format!("the sidecar of {app} is whole"), || async {
                let answer = self.http.get(&url).send().await.ok()?;
                answer.status().is_success().then_some(())
            })
            .await?;
        }
        Ok(())
    }
}
