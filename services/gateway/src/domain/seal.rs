//! Sealing cache entries: AES-256-GCM under a key that needs both the cookie and the pepper of the secret store, with
//! the cache key as associated data. A dump of the store is worth nothing, and entries can't be swapped.

use anyhow::{Context, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use problem::{Problem, Result};

use super::session::{Entry, SessionCookie};

/// What is derived is for this purpose only (RFC 5869 §3.2).
const INFO: &[u8] = b"payme gateway session v1";
const KEY_BYTES: usize = 32;

/// A secret of the installation.
#[derive(Clone)]
pub struct Pepper(Vec<u8>);

impl Pepper {
    /// 32 bytes in base64url.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim())
            .context("the session pepper is no base64url")?;
        ensure!(
            bytes.len() >= KEY_BYTES,
            "the session pepper has fewer than {KEY_BYTES} bytes"
        );
        Ok(Self(bytes))
    }

    /// The nonce, then the sealed entry with its tag.
    pub fn seal(&self, cookie: &SessionCookie, entry: &Entry) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(entry)?;
        let key = self.key(cookie).ok_or_else(broken)?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(cookie.cache_key()), &mut text)
            .map_err(|_| broken())?;
        Ok([&nonce.as_ref()[..], &text].concat())
    }

    /// The entry, if it was sealed for this cookie with this pepper.
    pub fn open(&self, cookie: &SessionCookie, sealed: &[u8]) -> Option<Entry> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self
            .key(cookie)?
            .open_in_place(nonce, Aad::from(cookie.cache_key()), &mut text)
            .ok()?;
        serde_json::from_slice(opened).ok()
    }

    fn key(&self, cookie: &SessionCookie) -> Option<RandomizedNonceKey> {
        let mut key = [0; KEY_BYTES];
        let extracted = Salt::new(HKDF_SHA256, &self.0).extract(&cookie.key);
        extracted.expand(&[INFO], HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
    }
}

fn broken() -> Problem {
    Problem::internal(&"a session could not be sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use uuid::Uuid;

    fn entry() -> Entry {
        let now = Utc::now();
        Entry {
            user_id: Uuid::now_v7(),
            session_id: Uuid::now_v7(),
            access_token: "a token".into(),
            cached_at: now,
            access_expires_at: now,
            session_expires_at: now,
        }
    }

    fn pepper(byte: u8) -> Pepper {
        Pepper::parse(&URL_SAFE_NO_PAD.encode([byte; KEY_BYTES])).unwrap()
    }

    #[test]
    fn only_the_same_cookie_and_pepper_open_an_entry() {
        let (cookie, other) = (SessionCookie::new([1; 48]), SessionCookie::new([2; 48]));
        let sealed = pepper(1).seal(&cookie, &entry()).unwrap();
        assert!(
            pepper(1)
                .open(&cookie, &sealed)
                .is_some_and(|opened| opened.access_token == "a token")
        );
        assert!(pepper(1).open(&other, &sealed).is_none());
        assert!(pepper(2).open(&cookie, &sealed).is_none());
    }

    #[test]
    fn an_entry_can_not_be_moved_to_another_session() {
        // The same key, another id: as if somebody had copied an entry under another cache key.
        let mut random = [1; 48];
        let cookie = SessionCookie::new(random);
        random[0] = 9;
        let sealed = pepper(1).seal(&cookie, &entry()).unwrap();
        assert!(pepper(1).open(&SessionCookie::new(random), &sealed).is_none());
    }

    #[test]
    fn a_changed_or_cut_entry_does_not_open() {
        let cookie = SessionCookie::new([1; 48]);
        let sealed = pepper(1).seal(&cookie, &entry()).unwrap();
        for at in [0, NONCE_LEN, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(pepper(1).open(&cookie, &changed).is_none(), "byte {at}");
        }
        assert!(pepper(1).open(&cookie, &sealed[..5]).is_none());
    }

    #[test]
    fn the_token_is_not_readable_in_the_entry() {
        let sealed = pepper(1).seal(&SessionCookie::new([1; 48]), &entry()).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"a token"));
    }
}
