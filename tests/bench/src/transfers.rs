//! Transfers through the gateway and all sidecars, against calls of an empty route through two sidecars.

use tests::Stack;

use crate::anomalies::Audit;
use crate::crowd::Crowd;
use crate::echo::Echo;
use crate::idle;
use crate::load::{Rate, drive, seconds};
use crate::percentile::{Latencies, Stopwatch};
use crate::report::{Goal, Measured, Unit};

pub const UNIFORM: &str = "transfers, 32 connections";
pub const HOT: &str = "transfers to one payee, 32 connections";
pub const FLOOR: &str = "an empty route through two sidecars";

const CONNECTIONS: usize = 32;
const ROUNDS: u32 = 3;
const FLOOR_SECONDS: u64 = 2;
const LOAD_SECONDS: u64 = 5;
const ALONE_SECONDS: u64 = 5;

/// What was measured under the same load, one round after the other.
#[derive(Default)]
struct Rounds {
    floor: Rate,
    uniform: Rate,
    hot: Rate,
}

pub async fn measure(stack: &Stack) -> anyhow::Result<Vec<Measured>> {
    let crowd = Crowd::arrive(stack, CONNECTIONS).await?;
    let echo = Echo::start(stack, CONNECTIONS).await?;
    let audit = Audit::begin(stack).await?;
    let (mut rounds, watch) = (Rounds::default(), Stopwatch::default());
    for round in 0..ROUNDS {
        rounds.floor += rest_and_call(&audit, &echo).await?;
        // Who goes first changes: each leaves something to do for the other.
        if round % 2 == 0 {
            rounds.uniform += spread(&crowd, &watch).await?;
            rest(&audit).await?;
            rounds.hot += gathered(&crowd).await?;
        } else {
            rounds.hot += gathered(&crowd).await?;
            rest(&audit).await?;
            rounds.uniform += spread(&crowd, &watch).await?;
        }
    }
    rest(&audit).await?;
    let (alone, alone_floor) = in_turn(&crowd, &echo).await?;
    let answered = rounds.uniform.count() + rounds.hot.count() + u32::try_from(alone.count())?;
    let anomalies = audit.end(answered).await?;
    Ok(lines(
        &rounds,
        &watch.latencies(),
        &alone,
        &alone_floor,
        &anomalies,
    ))
}

fn lines(
    rounds: &Rounds,
    loaded: &Latencies,
    alone: &Latencies,
    alone_floor: &Latencies,
    anomalies: &str,
) -> Vec<Measured> {
    let rate = |what: &str, rate: Rate, floor: Rate, floor_is, goal| Measured {
        what: what.to_owned(),
        value: rate.per_second(),
        floor: floor.per_second(),
        floor_is,
        unit: Unit::PerSecond,
        goal,
        anomalies: Some(anomalies.to_owned()),
    };
    let p50 = Measured {
        what: "p50 of a transfer, one connection".to_owned(),
        value: alone.percentile_ms(50),
        floor: alone_floor.percentile_ms(50),
        floor_is: FLOOR,
        unit: Unit::Milliseconds,
        goal: Goal::AtMost(4.0),
        anomalies: Some(anomalies.to_owned()),
    };
    let p99 = Measured {
        what: "p99 of a transfer, 32 connections".to_owned(),
        value: loaded.percentile_ms(99),
        floor: loaded.percentile_ms(50),
        floor_is: "its p50",
        unit: Unit::Milliseconds,
        goal: Goal::None,
        anomalies: Some(anomalies.to_owned()),
    };
    vec![
        rate(UNIFORM, rounds.uniform, rounds.floor, FLOOR, Goal::AtLeast(0.4)),
        rate(
            HOT,
            rounds.hot,
            rounds.uniform,
            "spread over 1,000 payees",
            Goal::AtLeast(0.9),
        ),
        p50,
        p99,
    ]
}

/// Until what the load before has left to do is done.
async fn rest(audit: &Audit) -> anyhow::Result<()> {
    audit.delivered().await?;
    idle::settle().await
}

async fn rest_and_call(audit: &Audit, echo: &Echo) -> anyhow::Result<Rate> {
    rest(audit).await?;
    drive(CONNECTIONS, seconds(FLOOR_SECONDS), |number| echo.call(number)).await
}

async fn spread(crowd: &Crowd, watch: &Stopwatch) -> anyhow::Result<Rate> {
    drive(CONNECTIONS, seconds(LOAD_SECONDS), |number| {
        watch.time(crowd.pay_anybody(number))
    })
    .await
}

async fn gathered(crowd: &Crowd) -> anyhow::Result<Rate> {
    drive(CONNECTIONS, seconds(LOAD_SECONDS), |number| {
        crowd.pay_the_one(number)
    })
    .await
}

/// One connection: a transfer, a call of the empty route, and so on, so that whatever else changes changes both.
async fn in_turn(crowd: &Crowd, echo: &Echo) -> anyhow::Result<(Latencies, Latencies)> {
    let (transfers, calls) = (Stopwatch::default(), Stopwatch::default());
    let (transfers_of, calls_of) = (&transfers, &calls);
    drive(1, seconds(ALONE_SECONDS), async |_| {
        transfers_of.time(crowd.pay_anybody(0)).await?;
        calls_of.time(echo.call(0)).await
    })
    .await?;
    Ok((transfers.latencies(), calls.latencies()))
}
