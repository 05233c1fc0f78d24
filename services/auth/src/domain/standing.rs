//! Whether somebody with the right password may log in, and how long wrong ones keep them out.

use chrono::{DateTime, Duration, Utc};

/// The status of an account, as it is stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status {
    pub disabled_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub locked_until: Option<DateTime<Utc>>,
}

/// Why somebody with the right password is refused. Only they are told.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Disabled,
    Expired,
    Locked { until: DateTime<Utc> },
}

pub fn standing(status: &Status, now: DateTime<Utc>) -> Result<(), Refusal> {
    if status.disabled_at.is_some() {
        return Err(Refusal::Disabled);
    }
    if status.expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::Expired);
    }
    match status.locked_until {
        Some(until) if until > now => Err(Refusal::Locked { until }),
        _ => Ok(()),
    }
}

/// So many wrong passwords in a row cost nothing; each further one locks twice as long, an hour at most. The lock always
/// ends by itself, so a stranger can't keep anybody out for good.
const FREE_FAILURES: i32 = 5;
const LONGEST_MINUTES: i64 = 60;

/// Wrong passwords in a row, by somebody for whom they are counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failures {
    pub count: i32,
    pub last_at: DateTime<Utc>,
}

impl Failures {
    /// Until when even the right password is refused.
    pub fn locked_until(&self) -> Option<DateTime<Utc>> {
        let doublings = u32::try_from(self.count - FREE_FAILURES).ok()?;
        let minutes = 2_i64
            .checked_pow(doublings)
            .map_or(LONGEST_MINUTES, |minutes| minutes.min(LONGEST_MINUTES));
        Some(self.last_at + Duration::minutes(minutes))
    }

    pub fn is_locked(&self, now: DateTime<Utc>) -> bool {
        self.locked_until().is_some_and(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_told_apart() {
        let now = Utc::now();
        let later = now + Duration::minutes(1);
        let free = Status::default();
        assert_eq!(standing(&free, now), Ok(()));
        assert_eq!(
            standing(
                &Status {
                    disabled_at: Some(now),
                    ..free
                },
                now
            ),
            Err(Refusal::Disabled)
        );
        assert_eq!(
            standing(
                &Status {
                    expires_at: Some(now),
                    ..free
                },
                now
            ),
            Err(Refusal::Expired)
        );
        assert_eq!(
            standing(
                &Status {
                    expires_at: Some(later),
                    ..free
                },
                now
            ),
            Ok(())
        );
        let locked = Status {
            locked_until: Some(later),
            ..free
        };
        assert_eq!(standing(&locked, now), Err(Refusal::Locked { until: later }));
        assert_eq!(standing(&locked, later), Ok(()));
    }

    #[test]
    fn a_lock_grows_and_never_lasts_longer_than_an_hour() {
        let last_at = Utc::now();
        let minutes = |count| {
            Failures { count, last_at }
                .locked_until()
                .map(|until| (until - last_at).num_minutes())
        };
        assert_eq!(
            [0, 4, 5, 6, 7].map(minutes),
            [None, None, Some(1), Some(2), Some(4)]
        );
        for failures in [12, 68, 69, i32::MAX] {
            assert_eq!(minutes(failures), Some(60));
        }
        assert!(Failures { count: 5, last_at }.is_locked(last_at));
        assert!(!Failures { count: 5, last_at }.is_locked(last_at + Duration::minutes(1)));
    }
}
