//! When a cached access token is renewed: ahead, in the last fifth of its life, and by nobody who has to wait for it.

use chrono::{DateTime, Duration, Utc};

/// Nobody is served a token that ends sooner: it has to outlive the call.
const MARGIN: Duration = Duration::seconds(15);

#[derive(Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Good for this request; a new one should be on its way.
    RenewAhead,
    /// Not good for this request any more.
    Stale,
}

/// `jitter` (0 to 255) spreads sessions that began together over a tenth of the token's life.
pub fn freshness(
    cached_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    jitter: u8,
    now: DateTime<Utc>,
) -> Freshness {
    let left = expires_at - now;
    let life = expires_at - cached_at;
    if left <= MARGIN {
        return Freshness::Stale;
    }
    let ahead = life / 5 + life * i32::from(jitter) / 2560;
    if left <= ahead {
        Freshness::RenewAhead
    } else {
        Freshness::Fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, jitter: u8) -> Freshness {
        let start = DateTime::from_timestamp(1_000_000, 0).unwrap();
        freshness(
            start,
            start + Duration::seconds(600),
            jitter,
            start + Duration::seconds(second),
        )
    }

    #[test]
    fn a_token_is_renewed_in_the_last_fifth_of_its_life() {
        assert_eq!(at(0, 0), Freshness::Fresh);
        assert_eq!(at(479, 0), Freshness::Fresh);
        assert_eq!(at(480, 0), Freshness::RenewAhead);
        assert_eq!(at(584, 0), Freshness::RenewAhead);
    }

    #[test]
    fn nobody_is_served_a_token_within_fifteen_seconds_of_its_end() {
        assert_eq!(at(585, 0), Freshness::Stale);
        assert_eq!(at(700, 0), Freshness::Stale);
    }

    #[test]
    fn jitter_only_brings_the_renewal_forward() {
        assert_eq!(at(430, 255), Freshness::RenewAhead);
        assert_eq!(at(419, 255), Freshness::Fresh);
    }
}
