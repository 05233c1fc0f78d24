//! A merge patch (RFC 7396): what is left out stays as it is, and `null` takes a value away.

use serde::{Deserialize, Deserializer};

/// Tells `null` from what is left out: with `Option<Option<T>>` it takes the value away, with `Option<T>` it is refused.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
