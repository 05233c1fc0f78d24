//! Which requests may be those of our own pages. A browser sends the cookie with `SameSite=Strict` already; this is what
//! stands when that does not, on a sibling domain or an old browser.

use axum::http::{HeaderMap, StatusCode};
use problem::{Problem, Result};

/// A header that no other site can send without asking us first (CORS), and we never allow it.
const HEADER: &str = "x-payme-csrf";

/// For unsafe requests with a cookie: they say by header that they are ours, and the browser agrees.
pub fn check(headers: &HeaderMap, public_origin: &str) -> Result<()> {
    let marked = headers.get(HEADER).is_some_and(|value| value == "1");
    if marked && same_origin(headers, public_origin) == Some(true) {
        Ok(())
    } else {
        Err(rejected())
    }
}

/// For unsafe requests without one: a browser that says where it comes from must come from us.
pub fn check_without_cookie(headers: &HeaderMap, public_origin: &str) -> Result<()> {
    if same_origin(headers, public_origin) == Some(false) {
        Err(rejected())
    } else {
        Ok(())
    }
}

/// For requests whose answer has tokens: no browser gets any, not even one of our own pages (the draft "OAuth 2.0 for
/// Browser-Based Apps" §6.1). Every browser says one of these of itself.
pub fn check_native(headers: &HeaderMap) -> Result<()> {
    if ["sec-fetch-site", "sec-fetch-mode", "origin", "cookie"]
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "native_clients_only",
            "Browsers get a session cookie, and no tokens",
        ));
    }
    Ok(())
}

/// What `Sec-Fetch-Site` says, or an exact `Origin` where it is absent; `None` if neither is there.
fn same_origin(headers: &HeaderMap, public_origin: &str) -> Option<bool> {
    match headers.get("sec-fetch-site") {
        Some(site) => Some(site == "same-origin"),
        None => headers.get("origin").map(|origin| origin == public_origin),
    }
}

fn rejected() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "csrf_rejected",
        "This request does not come from a page of ours",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const ORIGIN: &str = "https://pay.example";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn our_own_pages_pass() {
        for site in [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)] {
            assert!(check(&headers(&[(HEADER, "1"), site]), ORIGIN).is_ok());
        }
    }

    #[test]
    fn others_do_not() {
        let cases: [&[_]; 6] = [
            &[],
            &[(HEADER, "1")],
            &[("origin", ORIGIN)],
            &[(HEADER, "1"), ("origin", "https://pay.example.evil")],
            &[(HEADER, "1"), ("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
            &[(HEADER, "0"), ("sec-fetch-site", "same-origin")],
        ];
        for case in cases {
            assert!(check(&headers(case), ORIGIN).is_err(), "{case:?}");
        }
    }

    #[test]
    fn without_a_cookie_only_other_sites_are_turned_away() {
        assert!(check_without_cookie(&headers(&[]), ORIGIN).is_ok());
        assert!(check_without_cookie(&headers(&[("origin", ORIGIN)]), ORIGIN).is_ok());
        assert!(check_without_cookie(&headers(&[("origin", "null")]), ORIGIN).is_err());
        assert!(check_without_cookie(&headers(&[("sec-fetch-site", "cross-site")]), ORIGIN).is_err());
    }

    #[test]
    fn no_browser_gets_tokens() {
        assert!(check_native(&headers(&[("user-agent", "okhttp/5.0")])).is_ok());
        for browser in [
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("origin", ORIGIN),
            ("cookie", "a=b"),
        ] {
            assert!(check_native(&headers(&[browser])).is_err(), "{browser:?}");
        }
    }
}
