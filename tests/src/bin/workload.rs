//! `workload [SEED [SECONDS]]`: a seeded random workload with faults on a system of its own; see docs/workload.md.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tests::Stack;

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
    let stack = Stack::start_with(&[("RATE_LIMIT_FACTOR", RATE_LIMIT_FACTOR)]).await?;
    let report = tests::workload::run(&stack, seed, Duration::from_secs(seconds)).await?;
    println!("{report}");
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        println!("again: make workload SEED={seed} SECONDS={seconds}");
        ExitCode::FAILURE
    })
}
