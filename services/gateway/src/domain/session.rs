//! The session cookie: 128 random bits that name the session, and 256 that open its cache entry.

use axum_extra::extract::cookie::{Cookie, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The prefix makes browsers insist on `Secure`, `Path=/`, no `Domain`, and that no script wrote it.
pub const COOKIE: &str = "__Host-Http-sid";
const ID_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// What the cookie holds. It is nowhere stored: whoever has the cache or the database can't make it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie {
    id: [u8; ID_BYTES],
    pub key: [u8; KEY_BYTES],
}

/// What the cache holds for a session, sealed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub access_token: String,
    pub cached_at: DateTime<Utc>,
    pub access_expires_at: DateTime<Utc>,
    pub session_expires_at: DateTime<Utc>,
}

impl SessionCookie {
    pub fn new(random: [u8; ID_BYTES + KEY_BYTES]) -> Self {
        let (mut id, mut key) = ([0; ID_BYTES], [0; KEY_BYTES]);
        id.copy_from_slice(&random[..ID_BYTES]);
        key.copy_from_slice(&random[ID_BYTES..]);
        Self { id, key }
    }

    /// Only exactly what [`SessionCookie::value`] writes.
    pub fn parse(value: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        bytes.try_into().ok().map(Self::new)
    }

    pub fn value(&self) -> String {
        URL_SAFE_NO_PAD.encode([&self.id[..], &self.key[..]].concat())
    }

    /// Where the cache has the session's entry. Whoever reads it there learns no cookie.
    pub fn cache_key(&self) -> String {
        hex(&Sha256::digest(self.id))
    }

    /// What Auth knows the session by.
    pub fn session_ref(&self) -> String {
        hex(&Sha256::digest(self.value()))
    }

    /// `Set-Cookie` for a session of so many more seconds.
    pub fn to_set_cookie(&self, max_age_s: i64) -> String {
        set_cookie(COOKIE, self.value(), max_age_s)
    }
}

/// `Set-Cookie` that makes the browser forget the session.
pub fn forget_cookie() -> String {
    set_cookie(COOKIE, String::new(), 0)
}

/// `Set-Cookie` with every attribute that keeps a cookie to our own pages and out of reach for scripts.
pub fn set_cookie(name: &'static str, value: String, max_age_s: i64) -> String {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_secure(true);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Strict);
    // The cookie crate's own type of duration is not needed for one number.
    format!("{cookie}; Max-Age={max_age_s}")
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _writing_to_a_string_succeeds = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cookie_that_was_written_can_be_read(random in any::<[u8; 48]>()) {
            let cookie = SessionCookie::new(random);
            prop_assert!(SessionCookie::parse(&cookie.value()) == Some(cookie));
        }

        #[test]
        fn nothing_else_can(text in "\\PC{0,80}") {
            let read = SessionCookie::parse(&text);
            prop_assert!(read.is_none_or(|cookie| cookie.value() == text));
        }
    }

    #[test]
    fn names_of_a_session_do_not_tell_its_cookie() {
        let cookie = SessionCookie::new([7; 48]);
        assert_ne!(cookie.cache_key(), cookie.session_ref());
        assert_eq!(cookie.cache_key().len(), 64);
        assert!(!cookie.value().contains(&cookie.cache_key()));
    }

    #[test]
    fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let header = SessionCookie::new([7; 48]).to_set_cookie(60);
        for attribute in [
            "__Host-Http-sid=",
            "; HttpOnly",
            "; SameSite=Strict",
            "; Secure",
            "; Path=/",
            "; Max-Age=60",
        ] {
            assert!(header.contains(attribute), "{header}");
        }
    }
}
