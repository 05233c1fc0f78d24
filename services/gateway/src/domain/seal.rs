//! Sealing cache entries under a key that needs both the cookie and the pepper of the secret store, with the cache key as
//! context. A dump of the store is worth nothing, and entries can't be swapped.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use problem::{Problem, Result};
use seal::{KEY_LEN, Key};

use super::session::{Entry, SessionCookie};

/// What is derived is for this purpose only (RFC 5869 §3.2).
const INFO: &[u8] = b"payme gateway session v1";

/// A secret of the installation.
#[derive(Clone)]
pub struct Pepper(Key);

impl Pepper {
    /// 32 bytes in base64url.
    pub fn parse(text: &str) -> Result<Self, seal::Error> {
        Key::parse(text).map(Self)
    }

    pub fn seal(&self, cookie: &SessionCookie, entry: &Entry) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(entry)?;
        let key = self
            .key(cookie)
            .ok_or_else(|| Problem::internal(&"no key for a session"))?;
        Ok(key.seal(cookie.cache_key().as_bytes(), text)?)
    }

    /// The entry, if it was sealed for this cookie with this pepper.
    pub fn open(&self, cookie: &SessionCookie, sealed: &[u8]) -> Option<Entry> {
        let text = self.key(cookie)?.open(cookie.cache_key().as_bytes(), sealed)?;
        serde_json::from_slice(&text).ok()
    }

    fn key(&self, cookie: &SessionCookie) -> Option<Key> {
        let mut key = [0; KEY_LEN];
        let extracted = Salt::new(HKDF_SHA256, self.0.bytes()).extract(&cookie.key);
        extracted.expand(&[INFO], HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        Some(Key::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
        Pepper::parse(&URL_SAFE_NO_PAD.encode([byte; KEY_LEN])).unwrap()
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
        for at in [0, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(pepper(1).open(&cookie, &changed).is_none(), "byte {at}");
        }
        assert!(pepper(1).open(&cookie, &sealed[..5]).is_none());
    }
}
