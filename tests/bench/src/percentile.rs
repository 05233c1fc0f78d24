//! Latencies, by nearest rank: every percentile is a value that was measured.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Collects the latencies of what runs at the same time.
#[derive(Default)]
pub struct Stopwatch(Mutex<Vec<Duration>>);

impl Stopwatch {
    pub async fn time<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let started = Instant::now();
        let done = work.await?;
        let taken = started.elapsed();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        Ok(done)
    }

    pub fn latencies(self) -> Latencies {
        Latencies::of(self.0.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn of(measured: impl IntoIterator<Item = Duration>) -> Self {
        let mut sorted: Vec<_> = measured.into_iter().collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest latency that `percent` of all do not exceed, in milliseconds; 0 if there is none.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        let latency = self.0.get(rank.saturating_sub(1));
        latency.map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(values: &[u64]) -> Latencies {
        Latencies::of(values.iter().copied().map(Duration::from_millis))
    }

    #[track_caller]
    fn assert_ms(measured: f64, expected: f64) {
        assert!((measured - expected).abs() < 1e-9, "{measured} is not {expected}");
    }

    #[test]
    fn a_percentile_is_the_value_of_nearest_rank() {
        let five = ms(&[50, 15, 20, 40, 35]);
        assert_ms(five.percentile_ms(5), 15.0);
        assert_ms(five.percentile_ms(30), 20.0);
        assert_ms(five.percentile_ms(40), 20.0);
        assert_ms(five.percentile_ms(50), 35.0);
        assert_ms(five.percentile_ms(100), 50.0);
    }

    #[test]
    fn of_a_hundred_the_ninety_ninth_is_the_last_but_one() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_ms(ms(&hundred).percentile_ms(99), 99.0);
    }

    #[test]
    fn of_none_there_is_none() {
        assert_ms(ms(&[]).percentile_ms(50), 0.0);
    }
}
