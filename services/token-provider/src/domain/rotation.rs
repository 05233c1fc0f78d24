//! Which key signs, which are published, and when the next one takes over. A key is published → waits until everybody
//! who keeps the key set has seen it → signs → stays published until the last token that it signed has ended.

use chrono::{DateTime, Duration, Utc};

use super::keys::KeyAlgorithm;

/// Longer than anybody keeps the key set.
const PUBLISHED_BEFORE: Duration = Duration::minutes(10);
/// The longest life of a token, a one-time token's, and a leeway.
const PUBLISHED_AFTER: Duration = Duration::minutes(7 * 24 * 60 + 1);

/// A key as the database knows it; the key itself is in the secret store.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyState {
    pub kid: String,
    pub algorithm: KeyAlgorithm,
    pub published_at: DateTime<Utc>,
    /// `None` while it waits for its turn.
    pub signs_from: Option<DateTime<Utc>>,
}

/// What an installation wants.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub period: Duration,
    pub algorithm: KeyAlgorithm,
}

/// The key that signs now: the last one whose turn has come.
pub fn signer(keys: &[KeyState], now: DateTime<Utc>) -> Option<&KeyState> {
    keys.iter()
        .filter(|key| key.signs_from.is_some_and(|from| from <= now))
        .max_by_key(|key| (key.signs_from, &key.kid))
}

/// Whether tokens of this key may still be about, or will be.
pub fn is_published(key: &KeyState, keys: &[KeyState], now: DateTime<Utc>) -> bool {
    let Some(from) = key.signs_from else { return true };
    let successor = keys
        .iter()
        .filter_map(|other| other.signs_from)
        .filter(|at| *at > from)
        .min();
    successor.is_none_or(|at| now < at + PUBLISHED_AFTER)
}

/// The key whose turn is to be set now, and when it begins, by the schedule.
pub fn due(keys: &[KeyState], schedule: Schedule, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
    let Some(signer) = signer(keys, now) else {
        // Nothing was ever signed, or the key that did is gone from the store: waiting would help nobody.
        return first(keys, schedule.algorithm).map(|key| (key.kid.clone(), now));
    };
    if keys
        .iter()
        .any(|key| key.signs_from.is_some_and(|from| from > now))
    {
        return None;
    }
    let old = signer
        .signs_from
        .is_some_and(|from| now - from >= schedule.period);
    let other = signer.algorithm != schedule.algorithm;
    let next = standby(keys, schedule.algorithm)?;
    (old || (other && next.algorithm == schedule.algorithm)).then(|| turn(next, now))
}

/// As [`due`], because somebody asks for it.
pub fn asked(keys: &[KeyState], schedule: Schedule, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
    standby(keys, schedule.algorithm).map(|key| turn(key, now))
}

fn turn(key: &KeyState, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
    (key.kid.clone(), now.max(key.published_at + PUBLISHED_BEFORE))
}

/// The key that waits, of the algorithm that is wanted if there is one, the oldest first.
fn standby(keys: &[KeyState], algorithm: KeyAlgorithm) -> Option<&KeyState> {
    first(keys.iter().filter(|key| key.signs_from.is_none()), algorithm)
}

fn first<'a>(keys: impl IntoIterator<Item = &'a KeyState>, algorithm: KeyAlgorithm) -> Option<&'a KeyState> {
    keys.into_iter()
        .min_by_key(|key| (key.algorithm != algorithm, key.published_at, &key.kid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        period: Duration::days(90),
        algorithm: KeyAlgorithm::Rs256,
    };

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + Duration::days(days)
    }

    fn key(kid: &str, published: i64, signs_from: Option<i64>) -> KeyState {
        KeyState {
            kid: kid.to_owned(),
            algorithm: KeyAlgorithm::Rs256,
            published_at: day(published),
            signs_from: signs_from.map(day),
        }
    }

    #[test]
    fn the_first_key_signs_at_once() {
        assert_eq!(
            due(&[key("a", 0, None)], SCHEDULE, day(0)),
            Some(("a".to_owned(), day(0)))
        );
        assert_eq!(due(&[], SCHEDULE, day(0)), None);
    }

    #[test]
    fn a_key_is_followed_after_its_period_if_another_waits() {
        let (old, next) = (key("a", 0, Some(0)), key("b", 50, None));
        assert_eq!(due(&[old.clone(), next.clone()], SCHEDULE, day(89)), None);
        assert_eq!(
            due(&[old.clone(), next], SCHEDULE, day(90)),
            Some(("b".to_owned(), day(90)))
        );
        assert_eq!(due(&[old], SCHEDULE, day(400)), None);
    }

    #[test]
    fn a_new_key_waits_until_everybody_can_know_it() {
        let keys = [key("a", 0, Some(0)), key("b", 90, None)];
        let (kid, from) = asked(&keys, SCHEDULE, day(90)).unwrap();
        assert_eq!((kid.as_str(), from), ("b", day(90) + PUBLISHED_BEFORE));
        let scheduled = [
            key("a", 0, Some(0)),
            KeyState {
                signs_from: Some(from),
                ..key("b", 90, None)
            },
        ];
        assert_eq!(signer(&scheduled, day(90)).unwrap().kid, "a");
        assert_eq!(signer(&scheduled, from).unwrap().kid, "b");
        // While one waits for its turn, no other is set.
        assert_eq!(due(&scheduled, SCHEDULE, day(90)), None);
    }

    #[test]
    fn a_key_stays_published_until_its_last_token_has_ended() {
        let keys = [key("a", 0, Some(0)), key("b", 80, Some(90)), key("c", 95, None)];
        assert!(is_published(&keys[0], &keys, day(97)));
        assert!(!is_published(&keys[0], &keys, day(98)));
        assert!(is_published(&keys[1], &keys, day(98)) && is_published(&keys[2], &keys, day(98)));
    }

    #[test]
    fn another_algorithm_takes_over_when_a_key_of_it_is_there() {
        let schedule = Schedule {
            algorithm: KeyAlgorithm::Es256,
            ..SCHEDULE
        };
        let ec = KeyState {
            algorithm: KeyAlgorithm::Es256,
            ..key("e", 0, None)
        };
        let rsa = [key("a", 0, Some(0)), key("b", 0, None)];
        assert_eq!(due(&rsa, schedule, day(1)), None);
        let both = [key("a", 0, Some(0)), key("b", 0, None), ec];
        assert_eq!(due(&both, schedule, day(1)), Some(("e".to_owned(), day(1))));
    }

    #[test]
    fn when_the_signing_key_is_taken_out_of_the_store_the_next_one_signs_at_once() {
        assert_eq!(
            due(&[key("b", 50, None)], SCHEDULE, day(60)),
            Some(("b".to_owned(), day(60)))
        );
    }
}
