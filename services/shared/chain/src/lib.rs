//! The chain of seals: each hash covers the one before it, so whoever keeps the newest one can tell if anything under it
//! was rewritten or cut off.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const HASH_BYTES: usize = 32;

/// A link of the chain, written `NUMBER:HASH` with the hash in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Head {
    /// Counts the seals from 1, without gaps.
    pub number: i64,
    pub hash: [u8; HASH_BYTES],
}

impl Head {
    /// Where the chain begins, before its first seal.
    pub const GENESIS: Self = Self {
        number: 0,
        hash: [0; HASH_BYTES],
    };

    /// The next link: SHA-256 over the hash before, its own number (8 bytes, big endian) and the digest of what it seals.
    #[must_use]
    pub fn then(&self, digest: &[u8]) -> Self {
        let number = self.number + 1;
        let hash = Sha256::new()
            .chain_update(self.hash)
            .chain_update(number.to_be_bytes())
            .chain_update(digest)
            .finalize();
        Self {
            number,
            hash: hash.into(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is not `NUMBER:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHead;

impl fmt::Display for NotAHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a head is NUMBER:HASH, with {} hexadecimal digits",
            2 * HASH_BYTES
        )
    }
}

impl std::error::Error for NotAHead {}

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (number, hex) = text.split_once(':').ok_or(NotAHead)?;
        let number = number.parse().map_err(|_| NotAHead)?;
        if number < 0 || hex.len() != 2 * HASH_BYTES || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAHead);
        }
        let mut hash = [0; HASH_BYTES];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).map_err(|_| NotAHead)?;
        }
        Ok(Self { number, hash })
    }
}

impl TryFrom<String> for Head {
    type Error = NotAHead;

    fn try_from(text: String) -> Result<Self, NotAHead> {
        text.parse()
    }
}

impl From<Head> for String {
    fn from(head: Head) -> Self {
        head.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_depends_on_the_one_before_on_its_number_and_on_what_it_seals() {
        let first = Head::GENESIS.then(b"digest");
        // Computed elsewhere: sha256(32 zero bytes, 7 zero bytes, 1, "digest").
        assert_eq!(
            first.to_string(),
            "1:f0d7cd94b6a0153c371747ec68abaa6d382ea2bc5a3a2497540a930a38247ce6"
        );
        assert_ne!(first.then(b"digest").hash, first.hash);
        assert_ne!(Head::GENESIS.then(b"other").hash, first.hash);
        let renumbered = Head {
            number: 1,
            ..Head::GENESIS
        };
        assert_ne!(renumbered.then(b"digest").hash, first.hash);
    }

    #[test]
    fn what_is_not_a_number_and_a_hash_is_no_head() {
        let hash = "0".repeat(64);
        for text in [
            "",
            "1",
            "1:",
            ":",
            &hash,
            &format!("-1:{hash}"),
            &format!("1:{hash}0"),
            &format!("1:{}é", &hash[2..]),
        ] {
            assert_eq!(text.parse::<Head>(), Err(NotAHead), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number in 0..i64::MAX, hash: [u8; HASH_BYTES]) {
            let head = Head { number, hash };
            prop_assert_eq!(head.to_string().parse(), Ok(head));
        }
    }
}
