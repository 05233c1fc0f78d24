//! A good token in a form that is not the compact one (RFC 7515 §3.1), or longer than any token is.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use super::json::with;
use super::{Forger, Forgery};

const LONG: usize = 8 * 1024;

pub fn all(forger: &Forger) -> Vec<Forgery> {
    [
        other_serialisations(forger),
        bent(forger),
        encoded_otherwise(forger),
    ]
    .concat()
}

fn other_serialisations(forger: &Forger) -> Vec<Forgery> {
    let good = forger.good();
    let (header, claims, signature) = segments(&good);
    let flattened = json!({ "payload": claims, "protected": header, "signature": signature });
    let general =
        json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
    vec![
        (
            "the flattened JSON serialisation".to_owned(),
            flattened.to_string(),
        ),
        ("the general JSON serialisation".to_owned(), general.to_string()),
        ("a detached payload".to_owned(), format!("{header}..{signature}")),
    ]
}

fn bent(forger: &Forger) -> Vec<Forgery> {
    let good = forger.good();
    let (header, claims, signature) = segments(&good);
    let padding = "x".repeat(LONG);
    let cases = [
        ("no token", "x".to_owned()),
        ("dots", "..".to_owned()),
        ("one segment", header.to_owned()),
        ("two segments", format!("{header}.{claims}")),
        ("four segments", format!("{good}.{signature}")),
        (
            "five segments, as an encrypted token has",
            format!("{good}.{claims}.{signature}"),
        ),
        ("a dot at the front", format!(".{good}")),
        ("a dot at the end", format!("{good}.")),
        ("no header", format!(".{claims}.{signature}")),
        (
            "a truncated header",
            format!("{}.{claims}.{signature}", &header[..header.len() - 1]),
        ),
        (
            "truncated claims",
            format!("{header}.{}.{signature}", &claims[..claims.len() - 1]),
        ),
        ("a truncated signature", good[..good.len() - 1].to_owned()),
        ("a token and a comma", format!("{good},")),
        ("a space in a token", format!("{header}. {claims}.{signature}")),
        ("a tab before a token", format!("\t{good}")),
        ("quotes", format!("\"{good}\"")),
        ("angle brackets", format!("<{good}>")),
        ("a token percent-encoded", good.replace('.', "%2E")),
        (
            "a good token that is too long",
            forger.with_claims(&with(&forger.claims, "x", &json!(padding).to_string())),
        ),
        ("a megabyte", "x.".repeat(1 << 19)),
    ];
    cases.map(|(what, token)| (what.to_owned(), token)).to_vec()
}

/// The same bytes in another base64 than RFC 7515 §2 has: a token has one form, so that lists of tokens can be relied on.
fn encoded_otherwise(forger: &Forger) -> Vec<Forgery> {
    let good = forger.good();
    let (header, claims, signature) = segments(&good);
    let bytes = |segment: &str| {
        let padded = format!("{segment}{}", "=".repeat((4 - segment.len() % 4) % 4));
        URL_SAFE.decode(padded).expect("base64")
    };
    let padded = format!("{header}.{claims}.{}", URL_SAFE.encode(bytes(signature)));
    // 256 bytes leave four bits of the last character unused, which a careless reader drops.
    let (front, last) = signature.split_at(signature.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    let cases = [
        ("a padded signature", padded),
        ("padded thrice", format!("{header}=.{claims}=.{signature}=")),
        (
            "unused bits that are set",
            format!("{header}.{claims}.{front}{next}"),
        ),
        (
            "the standard alphabet",
            format!("{header}.{claims}.{}", STANDARD.encode(bytes(signature))),
        ),
        (
            "claims that are not encoded",
            format!("{header}.{}.{signature}", forger.claims.replace('.', "\\u002e")),
        ),
    ];
    cases.map(|(what, token)| (what.to_owned(), token)).to_vec()
}

fn segments(token: &str) -> (&str, &str, &str) {
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let (header, claims) = message.split_once('.').expect("claims");
    (header, claims, signature)
}
