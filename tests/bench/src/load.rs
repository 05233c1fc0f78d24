//! Load on this machine from this machine, bounded in time and in count.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures_util::future::try_join_all;

/// No connection sends more, however fast the answers come.
const MOST_REQUESTS: u32 = 50_000;

/// How long a part of a measurement takes: as it says, or `BENCH_SECONDS` in a run that only has to show that it works.
pub fn seconds(usual: u64) -> Duration {
    let wanted = std::env::var("BENCH_SECONDS").ok();
    let wanted = wanted.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(wanted.unwrap_or(usual))
}

/// What was done in which time.
#[derive(Clone, Copy, Default)]
pub struct Rate {
    count: u32,
    time: Duration,
}

impl Rate {
    pub fn new(count: u32, time: Duration) -> Self {
        Self { count, time }
    }

    pub fn per_second(self) -> f64 {
        f64::from(self.count) / self.time.as_secs_f64()
    }

    pub fn seconds(self) -> f64 {
        self.time.as_secs_f64()
    }

    pub fn count(self) -> u32 {
        self.count
    }

    /// The rate of something else that was done in the same time.
    pub fn with_count(self, count: u32) -> Self {
        Self { count, ..self }
    }
}

/// One rate after the other.
impl AddAssign for Rate {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.time += other.time;
    }
}

/// Sends one request after the other on each of `connections`, for `time`. `request` gets the number of the connection;
/// the first that fails ends it all.
pub async fn drive<F>(
    connections: usize,
    time: Duration,
    request: impl Fn(usize) -> F,
) -> anyhow::Result<Rate>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let started = Instant::now();
    let connection = async |number| {
        let mut count = 0;
        while count < MOST_REQUESTS && started.elapsed() < time {
            request(number).await?;
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts = try_join_all((0..connections).map(connection)).await?;
    Ok(Rate {
        count: counts.into_iter().sum(),
        time: started.elapsed(),
    })
}

/// Does `work` again and again on each of `threads` threads of their own, for `time`.
pub fn compute(
    threads: usize,
    time: Duration,
    work: impl Fn() -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Rate> {
    let started = Instant::now();
    let thread = || {
        let mut count = 0;
        while started.elapsed() < time {
            work()?;
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        let counts = threads.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| bail!("a thread panicked"))
        });
        counts.sum::<anyhow::Result<u32>>()
    });
    Ok(Rate {
        count: counts?,
        time: started.elapsed(),
    })
}
