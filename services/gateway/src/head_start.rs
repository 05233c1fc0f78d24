//! A head start for reads. A read with a cookie goes out to its service at once, with the token that the session had last
//! time, while the store is asked what the session's token is now. The answer is given only if the store names that very
//! token: so nobody is served on the word of this memory, and a session that has ended is refused as ever. What is sent in
//! vain changes nothing, as it is a read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::domain::session::SessionCookie;

/// Sessions beyond these have no head start until others' tokens have ended.
const MOST: usize = 10_000;
/// Nobody is served a token so close to its end.
const MARGIN: TimeDelta = TimeDelta::seconds(15);

/// The tokens of sessions, by the hash of the whole cookie: whoever knows a part of one finds nothing. Clones share it.
#[derive(Clone, Default)]
pub struct HeadStart(Arc<Mutex<HashMap<[u8; 32], Token>>>);

struct Token {
    authorization: HeaderValue,
    ends_at: DateTime<Utc>,
}

impl HeadStart {
    pub fn remember(&self, cookie: &SessionCookie, authorization: &HeaderValue, ends_at: DateTime<Utc>) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key_of(cookie);
        if tokens.len() < MOST || tokens.contains_key(&key) {
            let authorization = authorization.clone();
            tokens.insert(
                key,
                Token {
                    authorization,
                    ends_at,
                },
            );
        }
    }

    /// `Authorization` of the session's last request, if its token is still good.
    pub fn of(&self, cookie: &SessionCookie, now: DateTime<Utc>) -> Option<HeaderValue> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&key_of(cookie))?;
        (token.ends_at - MARGIN > now).then(|| token.authorization.clone())
    }

    /// Gives memory back that tokens took which have ended.
    pub fn forget_ended(&self, now: DateTime<Utc>) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.ends_at > now);
    }
}

fn key_of(cookie: &SessionCookie) -> [u8; 32] {
    Sha256::digest(cookie.value()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(number: u64) -> SessionCookie {
        let mut random = [0; 48];
        random[..8].copy_from_slice(&number.to_be_bytes());
        SessionCookie::new(random)
    }

    #[test]
    fn a_token_is_given_to_its_own_cookie_until_shortly_before_its_end() {
        let (head_start, now) = (HeadStart::default(), Utc::now());
        let token = HeaderValue::from_static("Bearer a");
        head_start.remember(&cookie(1), &token, now + TimeDelta::seconds(60));
        assert_eq!(head_start.of(&cookie(1), now), Some(token));
        assert_eq!(head_start.of(&cookie(2), now), None);
        let mut random = [0; 48];
        random[..8].copy_from_slice(&1_u64.to_be_bytes());
        random[47] = 9;
        let same_id_other_key = SessionCookie::new(random);
        assert_eq!(head_start.of(&same_id_other_key, now), None);
        assert_eq!(head_start.of(&cookie(1), now + TimeDelta::seconds(45)), None);
    }

    #[test]
    fn the_memory_is_bounded_and_is_given_back() {
        let (head_start, now) = (HeadStart::default(), Utc::now());
        let token = HeaderValue::from_static("Bearer a");
        for number in 0..=MOST as u64 {
            head_start.remember(&cookie(number), &token, now + TimeDelta::seconds(60));
        }
        assert_eq!(head_start.of(&cookie(MOST as u64), now), None);
        assert!(head_start.of(&cookie(0), now).is_some());
        head_start.forget_ended(now + TimeDelta::seconds(61));
        head_start.remember(&cookie(MOST as u64), &token, now + TimeDelta::seconds(120));
        assert!(head_start.of(&cookie(MOST as u64), now).is_some());
    }
}
