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

pub fn lock_after(failures: i32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from(failures - FREE_FAILURES).ok()?;
    let minutes = 2_i64
        .checked_pow(doublings)
        .map_or(LONGEST_MINUTES, |minutes| minutes.min(LONGEST_MINUTES));
    Some(now + Duration::minutes(minutes))
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
        let now = Utc::now();
        let minutes = |failures| lock_after(failures, now).map(|until| (until - now).num_minutes());
        assert_eq!([4, 5, 6, 7].map(minutes), [None, Some(1), Some(2), Some(4)]);
        for failures in [12, 68, 69, i32::MAX] {
            assert_eq!(minutes(failures), Some(60));
        }
    }
}
