//! Sealing what lies in a store: AES-256-GCM with a random nonce for each text, and associated data that says what the
//! text is, so that one can't be put in the place of another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// What seals, and opens again.
#[derive(Clone)]
pub struct Key([u8; KEY_LEN]);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the key is not {KEY_LEN} bytes in base64url")]
    MalformedKey,
    #[error("the text could not be sealed")]
    NotSealed,
}

impl Key {
    #[must_use]
    pub const fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Reads base64url, as a secret store has it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim())
            .map_err(|_| Error::MalformedKey)?;
        bytes.try_into().map(Self).map_err(|_| Error::MalformedKey)
    }

    #[must_use]
    pub const fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// The nonce, then the sealed text with its tag.
    pub fn seal(&self, context: &[u8], mut text: Vec<u8>) -> Result<Vec<u8>, Error> {
        let nonce = self
            .aead()
            .and_then(|key| key.seal_in_place_append_tag(Aad::from(context), &mut text).ok())
            .ok_or(Error::NotSealed)?;
        Ok([&nonce.as_ref()[..], &text].concat())
    }

    /// The text, if it was sealed with this key in this context.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self
            .aead()?
            .open_in_place(nonce, Aad::from(context), &mut text)
            .ok()?;
        Some(opened.to_vec())
    }

    fn aead(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_a_text() {
        let key = Key::new([1; KEY_LEN]);
        let sealed = key.seal(b"a", b"secret".to_vec()).unwrap();
        assert_eq!(key.open(b"a", &sealed).unwrap(), b"secret");
        assert!(key.open(b"b", &sealed).is_none());
        assert!(Key::new([2; KEY_LEN]).open(b"a", &sealed).is_none());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_changed_or_cut_text_does_not_open() {
        let key = Key::new([1; KEY_LEN]);
        let sealed = key.seal(b"", b"secret".to_vec()).unwrap();
        for at in [0, NONCE_LEN, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(b"", &changed).is_none(), "byte {at}");
        }
        assert!(key.open(b"", &sealed[..5]).is_none());
    }

    #[test]
    fn keys_are_as_long_as_they_have_to_be() {
        assert!(Key::parse(&URL_SAFE_NO_PAD.encode([7; 32])).is_ok());
        for bad in ["", "short", "!", &URL_SAFE_NO_PAD.encode([7; 33])] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }
}
