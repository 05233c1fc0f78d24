//! What a client keeps so that its next login is known to come from it, and what people call it.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::session::{hex, set_cookie};

/// Out of reach for scripts, as the session cookie is.
pub const COOKIE: &str = "__Host-Http-device";
/// As long as browsers keep any cookie: 400 days.
const MAX_AGE_S: i64 = 400 * 24 * 3600;
const BYTES: usize = 16;

/// A browser, known by a random id that only it has.
pub struct Device([u8; BYTES]);

impl Device {
    /// The browser's own, or a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        let known = jar.get(COOKIE).and_then(|cookie| {
            let bytes = URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
            bytes.try_into().ok()
        });
        Self(known.unwrap_or_else(rand::random))
    }

    /// What Auth knows it by.
    pub fn hash(&self) -> String {
        hash(&self.0)
    }

    pub fn to_set_cookie(&self) -> String {
        set_cookie(COOKIE, URL_SAFE_NO_PAD.encode(self.0), MAX_AGE_S)
    }
}

/// What Auth knows a client by that keeps an id of its own.
pub fn hash(id: &[u8]) -> String {
    hex(&Sha256::digest(id))
}

/// Coarse, so that people recognise it and nobody is tracked by it: `Firefox on Linux`.
pub fn label(headers: &HeaderMap) -> String {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    // In this order: most browsers also name those that they want to be taken for.
    let program = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_browser_that_comes_back_is_known() {
        let new = Device::of(&HeaderMap::new());
        let cookie = new.to_set_cookie();
        let back = Device::of(&headers("cookie", cookie.split(';').next().unwrap()));
        assert_eq!(back.hash(), new.hash());
        assert!(!cookie.contains(&new.hash()));
        for other in ["", "__Host-Http-device=", "__Host-Http-device=AAAA"] {
            assert_ne!(Device::of(&headers("cookie", other)).hash(), new.hash());
        }
    }

    #[test]
    fn people_recognise_their_device() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5", "curl"),
            ("<script>", "unknown"),
        ] {
            assert_eq!(label(&headers("user-agent", agent)), expected);
        }
        assert_eq!(label(&HeaderMap::new()), "unknown");
    }
}
