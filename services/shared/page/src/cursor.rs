//! Cursors as text: `n-KEY-CHECK` goes on after the row with this key, `p-KEY-CHECK` goes back from it.
//!
//! The check is no secret: a cursor opens nothing that its list would not show anyway. It tells a text that was cut,
//! altered or made up from one that a list has given, instead of answering with a page from anywhere.

use std::str::FromStr;

/// Where a page lies in its list; the keys are the list's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<K> {
    /// The page that the list begins with.
    Start,
    /// The page that follows the row with this key.
    After(K),
    /// The page that ends right before the row with this key.
    Before(K),
}

impl<K> Place<K> {
    /// Whether the page is looked for from its end to its beginning.
    pub fn is_back(&self) -> bool {
        matches!(self, Self::Before(_))
    }

    /// The row beside which the page lies.
    pub fn key(self) -> Option<K> {
        match self {
            Self::Start => None,
            Self::After(key) | Self::Before(key) => Some(key),
        }
    }

    pub(crate) fn to_cursor(&self) -> Option<String>
    where
        K: ToString,
    {
        let text = match self {
            Self::Start => return None,
            Self::After(key) => format!("n-{}", key.to_string()),
            Self::Before(key) => format!("p-{}", key.to_string()),
        };
        Some(format!("{text}-{:08x}", check(&text)))
    }
}

impl<K: FromStr> Place<K> {
    /// None: no list has given this cursor.
    pub(crate) fn from_cursor(cursor: &str) -> Option<Self> {
        let (text, given) = cursor.rsplit_once('-')?;
        if given != format!("{:08x}", check(text)) {
            return None;
        }
        let (direction, key) = text.split_once('-')?;
        let key = key.parse().ok()?;
        match direction {
            "n" => Some(Self::After(key)),
            "p" => Some(Self::Before(key)),
            _ => None,
        }
    }
}

/// FNV-1a in 32 bits: a change of one character always changes it.
fn check(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_where_it_was_given() {
        for place in [Place::After(-8), Place::Before(8_i64)] {
            let cursor = place.to_cursor().unwrap();
            assert_eq!(Place::from_cursor(&cursor), Some(place));
        }
        assert_eq!(Place::<i64>::Start.to_cursor(), None);
    }

    #[test]
    fn a_cursor_that_was_changed_in_any_character_is_none() {
        let cursor = Place::After(1_234_567_890_i64).to_cursor().unwrap();
        for at in 0..cursor.len() {
            for other in "0123456789abcdefnp-x".chars() {
                let mut changed = cursor.clone();
                changed.replace_range(at..=at, &other.to_string());
                if changed != cursor {
                    assert_eq!(Place::<i64>::from_cursor(&changed), None, "{changed}");
                }
            }
            assert_eq!(Place::<i64>::from_cursor(&cursor[..at]), None, "cut");
        }
        for foreign in ["", "-", "x", "8", "n-8", "n-8-00000000", "\u{e9}-\u{e9}-\u{e9}"] {
            assert_eq!(Place::<i64>::from_cursor(foreign), None, "{foreign}");
        }
    }
}
