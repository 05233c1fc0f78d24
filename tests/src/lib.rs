//! The harness of the black-box tests: the whole system on free ports, with real sidecars and infrastructure.
//!
//! [`Stack`] starts what `dapr/dapr.yaml` lists, which is what `make up` starts too; only ports, secrets and the
//! data folder are its own. [`Person`] is a browser: it keeps a cookie and nothing else. Dropping a stack ends
//! every process that it started.

#![expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]

pub mod asyncapi;
pub mod compat;
pub mod contracts;
mod logs;
mod person;
mod process;
mod runfile;
mod stack;
pub mod workload;

use std::time::{Duration, Instant};

pub use logs::Logs;
pub use person::{Answer, PASSWORD, Person, euro, transfer};
pub use stack::{Replica, Sidecar, Stack};
use tokio::signal::unix::{SignalKind, signal};

/// Far longer than an event waits for its next delivery after its consumer died with it in hand. Where all is well it costs nothing.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until `condition` gives something, and says what was waited for if it never does.
pub async fn eventually<T, F>(what: &str, condition: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    within(PATIENCE, what, condition).await
}

/// As [`eventually`], with a bound of its own.
pub async fn within<T, F>(limit: Duration, what: &str, condition: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return Ok(value);
        }
        anyhow::ensure!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until somebody wants this process to end, which then has to end its stack.
pub async fn interrupted() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
