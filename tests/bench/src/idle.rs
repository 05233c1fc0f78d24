//! Waits until the machine is nearly idle, so that no floor pays for what the load before it has left to do.

use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(500);
/// The system at rest still answers probes and looks for work.
const MOST_BUSY_PERCENT: u64 = 15;

pub async fn settle() -> anyhow::Result<()> {
    let started = Instant::now();
    let mut before = Ticks::read()?;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = Ticks::read()?;
        // The kernel's count of waiting for disks may go back a little.
        let (busy, all) = (
            now.busy.saturating_sub(before.busy),
            now.all.saturating_sub(before.all),
        );
        let busy_percent = busy * 100 / all.max(1);
        if busy_percent <= MOST_BUSY_PERCENT {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            println!(
                "the machine is {busy_percent} % busy with something else: do not rely on these figures"
            );
            return Ok(());
        }
        before = now;
    }
}

/// What all cores together have spent their time on since the start of the machine.
struct Ticks {
    busy: u64,
    all: u64,
}

impl Ticks {
    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, and more that is work.
    fn read() -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let all = ticks.iter().sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Self {
            busy: all - idle,
            all,
        })
    }
}
