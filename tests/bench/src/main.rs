//! `make bench`: what the system does, as ratios against floors that are measured in the same run, on the same machine.
//!
//! `bench` measures everything and writes the table into `docs/benchmarks.md`; `bench logins` measures one thing and only
//! prints. A new measurement is a file with a function `measure` beside the others, and one line in [`measure_all`].
//! A goal that is missed is said in the table; only a wrong answer of the system, or an anomaly in its books, ends the run
//! with an error.

mod anomalies;
mod batch;
mod bulk;
mod cached_request;
mod crowd;
mod database;
mod echo;
mod effects;
mod events;
mod growth;
mod idle;
mod ledger;
mod load;
mod logins;
mod machine;
mod mix;
mod peers;
mod people;
mod percentile;
mod pgbench;
mod plot;
mod provider;
mod renewal_ahead;
mod report;
mod signing;
mod transfers;

use anyhow::{bail, ensure};
use testkit::infra::Backend;
use tests::{Stack, interrupted};

use report::{Measured, Report};

/// The limits are for people; the load is one client, which would run into every one of them.
const NO_LIMITS: (&str, &str) = ("RATE_LIMIT_FACTOR", "1000");

/// The way through an engine's network would be measured too.
const BACKEND: Backend = Backend::Local;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench {
        wanted: std::env::args().skip(1).collect(),
        lines: Vec::new(),
    };
    // Whichever ends first: the stack is stopped when the other one is dropped.
    tokio::select! {
        done = measure_all(bench) => done,
        interrupted = interrupted() => {
            interrupted?;
            bail!("interrupted")
        }
    }
}

async fn measure_all(mut bench: Bench) -> anyhow::Result<()> {
    let stack = Stack::start_with(BACKEND, &[NO_LIMITS]).await?;
    let machine = machine::describe(&stack).await?;
    bench.run("logins", logins::measure(&stack)).await?;
    bench.run("signing", signing::measure(&stack)).await?;
    bench
        .run("cached-request", cached_request::measure(&stack))
        .await?;
    // A box where a future is large: they all live in this one.
    bench
        .run("transfers", Box::pin(transfers::measure(&stack)))
        .await?;
    bench.run("ledger", Box::pin(ledger::measure(&stack))).await?;
    bench.run("batch", Box::pin(batch::measure(&stack))).await?;
    bench.run("mix", Box::pin(mix::measure(&stack))).await?;
    drop(stack);

    bench
        .run("renewal-ahead", async {
            let stack = Stack::start_with(BACKEND, &[NO_LIMITS, renewal_ahead::SHORT_TOKENS]).await?;
            renewal_ahead::measure(&stack).await
        })
        .await?;
    bench
        .run("growth", Box::pin(growth::measure(&[NO_LIMITS])))
        .await?;
    bench.run("events", Box::pin(events::measure())).await?;

    ensure!(
        !bench.lines.is_empty(),
        "no measurement is named {:?}",
        bench.wanted
    );
    let report = Report {
        machine,
        lines: bench.lines,
    };
    println!("\n{report}");
    if bench.wanted.is_empty() {
        report.write()?;
    }
    Ok(())
}

struct Bench {
    /// Names of measurements; all if there is none.
    wanted: Vec<String>,
    lines: Vec<Measured>,
}

impl Bench {
    async fn run(
        &mut self,
        name: &str,
        measure: impl Future<Output = anyhow::Result<Vec<Measured>>>,
    ) -> anyhow::Result<()> {
        if self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == name) {
            println!("measuring {name}");
            self.lines.extend(measure.await?);
        }
        Ok(())
    }
}
