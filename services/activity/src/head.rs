//! Where the chain of seals over the audit log stands.

use std::fmt;
use std::str::FromStr;

const HASH_BYTES: usize = 32;

/// A link of the chain, written `NUMBER:HASH` with the hash in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let head = Head {
            number: 7,
            hash: [0xA5; HASH_BYTES],
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        let hash = "0".repeat(64);
        for text in [
            "",
            "1",
            "1:",
            &hash,
            &format!("-1:{hash}"),
            &format!("1:{hash}0"),
            &format!("1:{}é", &hash[2..]),
        ] {
            assert_eq!(text.parse::<Head>(), Err(NotAHead), "{text}");
        }
    }
}
