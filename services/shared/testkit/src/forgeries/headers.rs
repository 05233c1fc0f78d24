//! Headers that name another key, bring one along, are of another kind of token, or ask for what we don't know.

use serde_json::json;

use super::json::{append, prepend, with, without};
use super::{Forger, Forgery};

pub fn all(forger: &Forger) -> Vec<Forgery> {
    [
        naming_another_key(forger),
        bringing_a_key(forger),
        of_another_type(forger),
        extended(forger),
        ambiguous(forger),
    ]
    .concat()
}

fn naming_another_key(forger: &Forger) -> Vec<Forgery> {
    let kid = &forger.issuer.rsa.kid;
    let names = [
        json!(""),
        json!("no-such-key"),
        json!("../../etc/passwd"),
        json!("../../../../../../dev/null"),
        json!("' OR '1'='1"),
        json!("x'; DROP TABLE signing_keys; --"),
        json!("https://attacker.example/key"),
        json!("k".repeat(4000)),
        json!(format!("{kid} ")),
        json!(format!("{kid}\0")),
        json!([kid]),
        json!(0),
        json!(null),
    ];
    let mut forgeries = vec![(
        "no kid".to_owned(),
        forger.with_header(&without(&forger.header, "kid")),
    )];
    for name in names {
        let header = with(&forger.header, "kid", &name.to_string());
        let token = forger.stranger.rsa.sign_text(&header, &forger.claims);
        forgeries.push((format!("kid {name}, a stranger's signature"), token));
        forgeries.push((format!("kid {name}, our signature"), forger.with_header(&header)));
    }
    forgeries
}

/// A stranger's key in the header, or the address of one, under our key id, an unknown one, and none.
fn bringing_a_key(forger: &Forger) -> Vec<Forgery> {
    let jwk = json!(forger.stranger.rsa.public);
    let members = [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"])),
    ];
    let headers = [
        ("our kid", forger.header.clone()),
        ("its own kid", with(&forger.header, "kid", r#""attacker""#)),
        ("no kid", without(&forger.header, "kid")),
    ];
    let mut forgeries = Vec::new();
    for (member, value) in members {
        for (kid, header) in &headers {
            let header = with(header, member, &value.to_string());
            let token = forger.stranger.rsa.sign_text(&header, &forger.claims);
            forgeries.push((format!("{member} and {kid}"), token));
        }
    }
    forgeries
}

/// RFC 8725 §3.11: a one-time token is no access token, whatever it claims.
fn of_another_type(forger: &Forger) -> Vec<Forgery> {
    let types = [
        r#""JWT""#,
        r#""jwt""#,
        r#""ott+jwt""#,
        r#""secevent+jwt""#,
        r#""at+jwt ""#,
        r#""""#,
        "null",
        "1",
    ];
    let mut forgeries: Vec<_> = types
        .map(|typ| {
            (
                format!("typ {typ}"),
                forger.with_header(&with(&forger.header, "typ", typ)),
            )
        })
        .to_vec();
    forgeries.push((
        "no typ".to_owned(),
        forger.with_header(&without(&forger.header, "typ")),
    ));
    forgeries
}

/// RFC 7515 §4.1.11, RFC 7797.
fn extended(forger: &Forger) -> Vec<Forgery> {
    let members = [
        (r#"["exp"]"#, None),
        (r#"["b64"]"#, Some("true")),
        (r#"["b64"]"#, Some("false")),
        ("[]", None),
    ];
    let mut forgeries = Vec::new();
    for (crit, b64) in members {
        let mut header = with(&forger.header, "crit", crit);
        if let Some(b64) = b64 {
            header = with(&header, "b64", b64);
        }
        forgeries.push((format!("crit {crit}, b64 {b64:?}"), forger.with_header(&header)));
    }
    let header = with(&forger.header, "b64", "false");
    forgeries.push(("b64 false".to_owned(), forger.with_header(&header)));
    forgeries
}

/// Headers that two readers could take for different ones: whichever counts, the other one is good.
fn ambiguous(forger: &Forger) -> Vec<Forgery> {
    let doubled = [
        ("alg", r#""none""#),
        ("alg", r#""HS256""#),
        ("kid", r#""attacker""#),
        ("typ", r#""JWT""#),
    ];
    let mut forgeries = Vec::new();
    for (member, raw) in doubled {
        let first = prepend(&forger.header, member, raw);
        let last = append(&forger.header, member, raw);
        forgeries.push((format!("two {member}, {raw} first"), forger.with_header(&first)));
        forgeries.push((format!("two {member}, {raw} last"), forger.with_header(&last)));
    }
    for header in [
        "",
        "null",
        "[]",
        "{}",
        "\"\"",
        "{",
        &format!("{}x", forger.header),
    ] {
        forgeries.push((format!("a header of {header:?}"), forger.with_header(header)));
    }
    forgeries
}
