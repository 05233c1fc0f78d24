//! What a run has seen, and how it is told.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// More would hide the first.
const ANOMALIES_TOLD: usize = 20;

type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

#[derive(Default)]
pub struct Record(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    operations: Counts,
    unknown: BTreeMap<String, u64>,
    checks: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    anomalies: Vec<String>,
}

/// The end of a run: a summary to print, and what was wrong.
pub struct Report {
    pub seed: u64,
    pub lasted: Duration,
    seen: Seen,
}

impl Record {
    pub fn operation(&self, name: &'static str, outcome: &str) {
        self.with(|seen| {
            let outcomes = seen.operations.entry(name).or_default();
            *outcomes.entry(outcome.to_owned()).or_default() += 1;
        });
    }

    /// An outcome was not known, for this reason, and was asked for again.
    pub fn unknown(&self, reason: &str) {
        self.with(|seen| *seen.unknown.entry(reason.to_owned()).or_default() += 1);
    }

    pub fn fault(&self, name: &'static str) {
        self.with(|seen| *seen.faults.entry(name).or_default() += 1);
    }

    /// Something was looked at while the run went on.
    pub fn check(&self, name: &'static str) {
        self.with(|seen| *seen.checks.entry(name).or_default() += 1);
    }

    /// An invariant that does not hold, and the facts that show it.
    pub fn anomaly(&self, invariant: &str, facts: impl Display) {
        self.with(|seen| seen.anomalies.push(format!("{invariant}: {facts}")));
    }

    pub fn report(&self, seed: u64, lasted: Duration) -> Report {
        let seen = self.with(std::mem::take);
        Report { seed, lasted, seen }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.seen.anomalies.is_empty()
    }

    fn operations(&self) -> u64 {
        self.seen.operations.values().flat_map(BTreeMap::values).sum()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Seen {
            operations,
            unknown,
            checks,
            faults,
            anomalies,
        } = &self.seen;
        writeln!(
            f,
            "seed {}: {} s, {} operations, {} faults, {} anomalies",
            self.seed,
            self.lasted.as_secs(),
            self.operations(),
            faults.values().sum::<u64>(),
            anomalies.len()
        )?;
        for anomaly in anomalies.iter().take(ANOMALIES_TOLD) {
            writeln!(f, "  ANOMALY {anomaly}")?;
        }
        for (name, outcomes) in operations {
            writeln!(f, "  {name:<12} {}", listed(outcomes))?;
        }
        writeln!(f, "  asked again  {}", listed(unknown))?;
        writeln!(f, "  faults       {}", listed(faults))?;
        writeln!(f, "  checked      {}", listed(checks))?;
        Ok(())
    }
}

fn listed<T: Display>(counts: &BTreeMap<T, u64>) -> String {
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}
