//! The key under which a client may ask for the same thing again (IETF draft `httpapi-idempotency-key-header`).

use serde::Serialize;
use sha2::{Digest, Sha256};

/// 1 to 255 visible ASCII characters, chosen by the client, unique for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is empty, too long, or has characters that are not visible ASCII.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 1 to 255 visible ASCII characters")]
pub struct InvalidKey;

impl IdempotencyKey {
    const MAX_LENGTH: usize = 255;

    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKey> {
        if bytes.is_empty() || bytes.len() > Self::MAX_LENGTH || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(InvalidKey);
        }
        String::from_utf8(bytes.to_vec())
            .map(Self)
            .map_err(|_| InvalidKey)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was asked for, as SHA-256. It covers the parsed request, so white space and the order of fields don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHash(pub [u8; 32]);

impl RequestHash {
    /// `route` tells apart requests of the same shape.
    pub fn of(route: &str, request: &impl Serialize) -> serde_json::Result<Self> {
        let bytes = serde_json::to_vec(&(route, request))?;
        Ok(Self(Sha256::digest(bytes).into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_has_between_1_and_255_visible_characters() {
        for bad in [&b""[..], b"a b", b"tab\t", "\u{e9}".as_bytes(), &[b'k'; 256]] {
            assert_eq!(IdempotencyKey::parse(bad), Err(InvalidKey));
        }
        assert!(IdempotencyKey::parse(&[b'k'; 255]).is_ok());
    }

    proptest! {
        #[test]
        fn a_key_that_parses_is_kept_as_it_is(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(key) = IdempotencyKey::parse(&bytes) {
                prop_assert_eq!(key.as_str().as_bytes(), &bytes);
            }
        }
    }

    #[test]
    fn the_hash_tells_routes_and_requests_apart() {
        let hash = |route, amount| RequestHash::of(route, &amount).unwrap();
        assert_eq!(hash("transfer", 1), hash("transfer", 1));
        assert_ne!(hash("transfer", 1), hash("transfer", 2));
        assert_ne!(hash("transfer", 1), hash("top_up", 1));
    }
}
