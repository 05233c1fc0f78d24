//! Events, on each component set: how long after a transfer's commit its effects are committed, how many of them the consumers
//! take, how far these are behind at the end of a load, and what it is worth that the relay publishes many at a time.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use chrono::{DateTime, Utc};
use outbox::{Relay, Worker};
use sidecar::Sidecar;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use tests::Stack;

use crate::anomalies::Audit;
use crate::batch::{self, pay_many};
use crate::crowd::Crowd;
use crate::database::Server;
use crate::effects::{COMMIT_TIMES, CONSUMERS, Effects, Made};
use crate::idle;
use crate::load::{Rate, drive, seconds};
use crate::percentile::{Latencies, Stopwatch};
use crate::report::{Goal, Measured, Unit};
use crate::{BACKEND, NO_LIMITS};

const CONNECTIONS: usize = 32;
const QUIET_SECONDS: u64 = 10;
/// Longer than an event is on its way, so that it meets no other.
const QUIET_PAUSE: Duration = Duration::from_millis(60);
const LOAD_SECONDS: u64 = 10;
/// Requests of a thousand transfers each, whose events wait for the relay together.
const BURST_REQUESTS: usize = 4;
const RELAY_REQUESTS: usize = 8;

const RELAY_ROUNDS: u32 = 3;
/// How many events the relay publishes in a round, one at a time and in bulk; the former not for longer than this.
const RELAY_SINGLE: u32 = 500;
const RELAY_BULK: u32 = 2_000;
const RELAY_SECONDS: u64 = 2;
const PUBLISHER: &str = "transaction";

pub async fn measure() -> anyhow::Result<Vec<Measured>> {
    let mut of_sets = Vec::new();
    for set in sets()? {
        println!("measuring events, set {set}");
        let stack = Stack::start_with(BACKEND, &[NO_LIMITS, COMMIT_TIMES, ("PAYME_SET", &set)]).await?;
        of_sets.push(on(&set, &stack).await?.into_iter());
    }
    // Each figure of all sets side by side.
    let mut lines = Vec::new();
    while of_sets.iter().any(|set| set.len() > 0) {
        lines.extend(of_sets.iter_mut().filter_map(Iterator::next));
    }
    Ok(lines)
}

/// The component sets, which only `components/` knows by name.
pub fn sets() -> anyhow::Result<Vec<String>> {
    let sets = std::env::var("SETS").context("SETS has to name component sets, as `make bench` does")?;
    Ok(sets.split_whitespace().map(str::to_owned).collect())
}

async fn on(set: &str, stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let crowd = Crowd::arrive(stack, CONNECTIONS).await?;
    let audit = Audit::begin(stack).await?;
    let effects = Effects::of(stack).await?;
    idle::settle().await?;
    let quiet = one_by_one(&crowd, &effects).await?;
    let load = under_load(&crowd, &effects).await?;
    let burst = in_a_burst(stack, &crowd, &effects).await?;
    let relay = relay_alone(stack, &crowd).await?;
    let answered = quiet.count + load.rate.count() + burst.count() + relay.count;
    let anomalies = audit.end(answered).await?;
    let line = |what: &str, (value, goal), (floor, floor_is), unit| Measured {
        what: format!("{what}, set {set}"),
        value,
        floor,
        floor_is,
        unit,
        goal,
        anomalies: Some(anomalies.clone()),
    };
    let (p50, p99) = (quiet.events.percentile_ms(50), quiet.events.percentile_ms(99));
    Ok(vec![
        line(
            "p50 from commit to effects",
            (p50, Goal::IsAtMost(50.0)),
            (quiet.transfers.percentile_ms(50), "the transfer itself"),
            Unit::Milliseconds,
        ),
        line(
            "p99 from commit to effects",
            (p99, Goal::None),
            (p50, "its p50"),
            Unit::Milliseconds,
        ),
        line(
            "events to effects",
            (burst.per_second(), Goal::AtLeast(1.0)),
            (load.rate.per_second(), "transfers, 32 connections"),
            Unit::PerSecond,
        ),
        line(
            "effects behind at the end of a load",
            (load.behind.as_secs_f64(), Goal::IsAtMost(10.0)),
            (load.rate.seconds(), "how long the load was"),
            Unit::Seconds,
        ),
        line(
            "relay in bulk",
            (relay.bulk.per_second(), Goal::AtLeast(5.0)),
            (relay.single.per_second(), "one event at a time"),
            Unit::PerSecond,
        ),
    ])
}

struct Quiet {
    transfers: Latencies,
    /// From a transfer's commit to that of its last effect.
    events: Latencies,
    count: u32,
}

/// Transfers with pauses between them.
async fn one_by_one(crowd: &Crowd, effects: &Effects) -> anyhow::Result<Quiet> {
    let (since, watch) = (Utc::now(), Stopwatch::default());
    let timed = &watch;
    let paid = drive(1, seconds(QUIET_SECONDS), async |_| {
        timed.time(crowd.pay_anybody(0)).await?;
        tokio::time::sleep(QUIET_PAUSE).await;
        Ok(())
    });
    let count = paid.await?.count();
    let made = effects.since(since).await?;
    Ok(Quiet {
        transfers: watch.latencies(),
        events: Latencies::of(made.iter().map(Made::took)),
        count,
    })
}

struct Load {
    rate: Rate,
    /// How long after the last answer the last effect came.
    behind: Duration,
}

async fn under_load(crowd: &Crowd, effects: &Effects) -> anyhow::Result<Load> {
    let since = Utc::now();
    let rate = drive(CONNECTIONS, seconds(LOAD_SECONDS), |number| {
        crowd.pay_anybody(number)
    })
    .await?;
    let ended = Utc::now();
    let behind = between(ended, last(&effects.since(since).await?)?);
    Ok(Load { rate, behind })
}

/// From the relay's first look at events that wait for it together to the last effect.
async fn in_a_burst(stack: &Stack, crowd: &Crowd, effects: &Effects) -> anyhow::Result<Rate> {
    let since = Utc::now();
    let turn = Turn::take(stack).await?;
    let waiting = pay_requests(crowd, BURST_REQUESTS).await?;
    idle::settle().await?;
    let began = Utc::now();
    turn.give_back().await?;
    // Its commit wakes the relay.
    crowd.pay_anybody(0).await?;
    let made = effects.since(since).await?;
    ensure!(made.len() > waiting, "only {} transfers have effects", made.len());
    Ok(Rate::new(
        u32::try_from(made.len())?,
        between(began, last(&made)?),
    ))
}

struct Relayed {
    single: Rate,
    bulk: Rate,
    /// How many transfers were made for it.
    count: u32,
}

/// The relay's own code on the service's own outbox, beside the service's own sidecar. Nobody consumes meanwhile.
async fn relay_alone(stack: &Stack, crowd: &Crowd) -> anyhow::Result<Relayed> {
    let turn = Turn::take(stack).await?;
    let waiting = pay_requests(crowd, RELAY_REQUESTS).await?;
    stack.terminate(PUBLISHER)?;
    for consumer in CONSUMERS {
        stack.kill_sidecar(consumer)?;
    }
    turn.give_back().await?;
    let pool = Server::of(stack)?.connect(PUBLISHER).await?;
    let worker = || anyhow::Ok(Relay::new(pool.clone(), sidecar_of(stack, PUBLISHER)?, PUBLISHER).1);
    let (one_by_one, in_bulk) = (worker()?.in_batches_of(1), worker()?);
    let (mut single, mut bulk) = (Rate::default(), Rate::default());
    for _ in 0..RELAY_ROUNDS {
        idle::settle().await?;
        single += publish(&one_by_one, RELAY_SINGLE).await?;
        bulk += publish(&in_bulk, RELAY_BULK).await?;
    }
    for consumer in CONSUMERS {
        stack.start_sidecar_again(consumer)?;
    }
    stack.start_again(PUBLISHER)?;
    stack.ready().await?;
    Ok(Relayed {
        single,
        bulk,
        count: u32::try_from(waiting)?,
    })
}

async fn publish(relay: &Worker, events: u32) -> anyhow::Result<Rate> {
    let (started, mut published) = (Instant::now(), 0);
    while published < events && started.elapsed() < seconds(RELAY_SECONDS) {
        let batch = relay.publish_batch().await.map_err(|error| anyhow!(error))?;
        ensure!(batch > 0, "the outbox is empty, or another relay has its turn");
        published += batch;
    }
    Ok(Rate::new(published, started.elapsed()))
}

fn sidecar_of(stack: &Stack, app_id: &str) -> anyhow::Result<Sidecar> {
    let env = stack.env_of(app_id)?;
    let (http_port, grpc_port) = (env["DAPR_HTTP_PORT"].parse()?, env["DAPR_GRPC_PORT"].parse()?);
    let (api_token, app_token) = (env["DAPR_API_TOKEN"].clone(), env["APP_API_TOKEN"].clone());
    Ok(Sidecar::new(http_port, grpc_port, api_token, app_token)?)
}

/// The relay's turn, held as another replica would hold it: what is committed waits in the outbox.
struct Turn(PoolConnection<sqlx::Postgres>);

impl Turn {
    async fn take(stack: &Stack) -> anyhow::Result<Self> {
        let pool: PgPool = Server::of(stack)?.connect(PUBLISHER).await?;
        let mut conn = pool.acquire().await?;
        sqlx::query("select pg_advisory_lock($1)")
            .bind(outbox::LOCK)
            .execute(&mut *conn)
            .await?;
        Ok(Self(conn))
    }

    async fn give_back(self) -> anyhow::Result<()> {
        Ok(self.0.close().await?)
    }
}

/// A thousand transfers in each request, one request after the other; gives the number of transfers.
async fn pay_requests(crowd: &Crowd, requests: usize) -> anyhow::Result<usize> {
    for payer in 0..requests {
        pay_many(crowd, payer).await?;
    }
    Ok(requests * batch::BATCH as usize)
}

fn last(made: &[Made]) -> anyhow::Result<DateTime<Utc>> {
    let last = made.iter().map(|made| made.effective).max();
    last.context("nothing has an effect")
}

/// Nothing, if it is the other way round.
fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}
