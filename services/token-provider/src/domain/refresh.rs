//! Rotation of refresh tokens (RFC 9700 §4.14.2): each is good for one use, and a used one that comes back ends its family.

use chrono::{DateTime, Duration, Utc};

/// A client whose answer was lost asks again with the token that it has; for so long that is no theft.
const GRACE: Duration = Duration::seconds(5);

/// What is known of a token that was presented.
pub struct Presented {
    pub family_revoked: bool,
    pub family_expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    /// Whether the token that its first use brought has been used itself.
    pub successor_used: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new token follows.
    Rotate,
    /// It was used, and comes back: the family ends.
    Reuse,
    /// The family has ended.
    Ended,
}

pub fn decide(token: &Presented, now: DateTime<Utc>) -> Decision {
    if token.family_revoked || token.family_expires_at <= now {
        return Decision::Ended;
    }
    match token.used_at {
        None => Decision::Rotate,
        Some(at) if now - at <= GRACE && !token.successor_used => Decision::Rotate,
        Some(_) => Decision::Reuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(used_s_ago: Option<i64>, successor_used: bool, family_revoked: bool) -> Decision {
        let now = Utc::now();
        let used_at = used_s_ago.map(|seconds| now - Duration::seconds(seconds));
        let family_expires_at = now + Duration::hours(1);
        decide(
            &Presented {
                family_revoked,
                family_expires_at,
                used_at,
                successor_used,
            },
            now,
        )
    }

    #[test]
    fn a_token_is_good_for_one_use() {
        assert_eq!(decided(None, false, false), Decision::Rotate);
        assert_eq!(decided(Some(6), false, false), Decision::Reuse);
    }

    #[test]
    fn a_lost_answer_may_be_asked_for_again_only_while_it_was_not_used() {
        assert_eq!(decided(Some(4), false, false), Decision::Rotate);
        assert_eq!(decided(Some(4), true, false), Decision::Reuse);
    }

    #[test]
    fn an_ended_family_gives_nothing() {
        assert_eq!(decided(None, false, true), Decision::Ended);
    }
}
