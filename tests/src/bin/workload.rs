//! `workload [SEED [SECONDS]]`: a seeded random workload with faults on a system of its own; see docs/workload.md.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use testkit::infra::Backend;
use tests::workload::{Report, Trouble};
use tests::{Stack, interrupted};

/// All workers come from one network: more of them than of an office.
const RATE_LIMIT_FACTOR: &str = "100";
const SECONDS: u64 = 60;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.is_empty());
    let seed = match arguments.next() {
        Some(seed) => seed.parse().context("the seed is no number")?,
        None => rand::random::<u32>().into(),
    };
    let seconds = arguments.next().map_or(Ok(SECONDS), |seconds| seconds.parse())?;
    println!("seed {seed}");
    // Whichever ends first: the stack is stopped when the other one is dropped.
    let report = tokio::select! {
        report = run(seed, Duration::from_secs(seconds)) => report?,
        interrupted = interrupted() => {
            interrupted?;
            bail!("interrupted")
        }
    };
    println!("{report}");
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        println!("again: make workload SEED={seed} SECONDS={seconds}");
        ExitCode::FAILURE
    })
}

async fn run(seed: u64, duration: Duration) -> anyhow::Result<Report> {
    let stack = Stack::start_with(Backend::from_env()?, &[("RATE_LIMIT_FACTOR", RATE_LIMIT_FACTOR)]).await?;
    tests::workload::run(&stack, seed, duration, Trouble::Faults).await
}
