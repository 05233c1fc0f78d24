//! Well-signed tokens that say too little, the wrong thing, or two things at once.

use chrono::Utc;
use identity::Claims;
use serde_json::json;
use uuid::Uuid;

use super::json::{append, prepend, with, without};
use super::{Forger, Forgery};
use crate::{service_claims, user_claims};

pub fn all(forger: &Forger) -> Vec<Forgery> {
    [
        missing(forger),
        out_of_time(forger),
        for_another(forger),
        doubled(forger),
        no_claims(forger),
        other_kinds(forger),
    ]
    .concat()
}

fn missing(forger: &Forger) -> Vec<Forgery> {
    let mut members = vec!["iss", "aud", "sub", "exp", "iat", "jti"];
    if !forger.of_service {
        members.push("sid");
    }
    let mut forgeries = Vec::new();
    for member in members {
        let absent = without(&forger.claims, member);
        forgeries.push((format!("no {member}"), forger.with_claims(&absent)));
        let null = with(&forger.claims, member, "null");
        forgeries.push((format!("{member} null"), forger.with_claims(&null)));
    }
    forgeries
}

/// RFC 7519 §4.1.4 to §4.1.6. Times are whole seconds: Token Provider writes no others.
fn out_of_time(forger: &Forger) -> Vec<Forgery> {
    let now = Utc::now().timestamp();
    let cases = [
        ("exp", (now - 6).to_string()),
        ("exp", "0".to_owned()),
        ("exp", "-1".to_owned()),
        ("exp", format!("\"{}\"", now + 600)),
        ("exp", format!("{}.0", now + 600)),
        ("exp", format!("{}.5", now + 600)),
        ("exp", "1e300".to_owned()),
        ("exp", "1e400".to_owned()),
        ("exp", u64::MAX.to_string()),
        ("exp", format!("{}0", u64::MAX)),
        ("exp", "true".to_owned()),
        ("exp", format!("[{}]", now + 600)),
        ("exp", "NaN".to_owned()),
        ("iat", (now + 60).to_string()),
        ("iat", i64::MAX.to_string()),
        ("iat", "-1".to_owned()),
        ("iat", format!("\"{now}\"")),
        ("iat", format!("{now}.5")),
        ("nbf", (now + 60).to_string()),
        ("nbf", u64::MAX.to_string()),
        ("nbf", format!("\"{now}\"")),
        ("nbf", "null".to_owned()),
    ];
    cases.map(|(member, raw)| bent(forger, member, &raw)).to_vec()
}

fn for_another(forger: &Forger) -> Vec<Forgery> {
    let claims: Claims = serde_json::from_str(&forger.claims).expect("claims");
    let mut cases = vec![
        ("iss", json!("else")),
        ("iss", json!("PayMe")),
        ("iss", json!("payme ")),
        ("iss", json!(["payme"])),
        ("iss", json!("")),
        ("aud", json!("else")),
        ("aud", json!("")),
        ("aud", json!(format!("{}x", claims.aud))),
        ("aud", json!(claims.aud.to_uppercase())),
        // RFC 9068 allows it; Token Provider never writes it, and one audience can't be mistaken for another.
        ("aud", json!([claims.aud, "else"])),
        ("aud", json!([])),
        ("sub", json!(1)),
        ("sub", json!([claims.sub])),
        ("jti", json!("no UUID")),
        ("roles", json!("user")),
        ("roles", json!({ "user": true })),
        ("roles", json!(null)),
        ("scope", json!([claims.scope])),
        ("scope", json!(null)),
    ];
    if !forger.of_service {
        let subjects = [
            "",
            "admin",
            "service:gateway",
            "00000000-0000-0000-0000-00000000000g",
        ];
        cases.extend(subjects.map(|sub| ("sub", json!(sub))));
        cases.push(("sid", json!("no UUID")));
    }
    let forged = cases
        .iter()
        .map(|(member, value)| bent(forger, member, &value.to_string()));
    forged.collect()
}

/// RFC 8725 §2.4 and RFC 7519 §4: two readers would believe different ones, so nobody may believe any.
fn doubled(forger: &Forger) -> Vec<Forgery> {
    let claims: serde_json::Value = serde_json::from_str(&forger.claims).expect("claims");
    let mut forgeries = Vec::new();
    for member in ["sub", "exp", "iss", "aud", "iat"] {
        let raw = claims[member].to_string();
        forgeries.push((
            format!("{member} twice, the same"),
            forger.with_claims(&append(&forger.claims, member, &raw)),
        ));
    }
    let others = [
        ("sub", json!(Uuid::now_v7())),
        ("exp", json!(0)),
        ("iss", json!("else")),
        ("aud", json!("else")),
        ("roles", json!(["admin", "operator", "user"])),
        ("scope", json!("else")),
    ];
    for (member, value) in others {
        // `roles` and `scope` are left out where they are empty.
        let raw = claims.get(member).unwrap_or(&value).to_string();
        let once = with(&forger.claims, member, &raw);
        let value = value.to_string();
        forgeries.push((
            format!("two {member}, another last"),
            forger.with_claims(&append(&once, member, &value)),
        ));
        forgeries.push((
            format!("two {member}, another first"),
            forger.with_claims(&prepend(&once, member, &value)),
        ));
    }
    forgeries
}

fn no_claims(forger: &Forger) -> Vec<Forgery> {
    let trailing = format!("{}x", forger.claims);
    let array = format!("[{}]", forger.claims);
    let marked = format!("\u{feff}{}", forger.claims);
    let texts = [
        "", "{", "null", "[]", "\"\"", "{}", "1", &trailing, &array, &marked,
    ];
    texts
        .map(|text| (format!("claims of {text:?}"), forger.with_claims(text)))
        .to_vec()
}

/// Tokens of this system that are good elsewhere.
fn other_kinds(forger: &Forger) -> Vec<Forgery> {
    let claims: Claims = serde_json::from_str(&forger.claims).expect("claims");
    let one_time = Claims {
        aud: "auth".to_owned(),
        purpose: Some("email_verification".to_owned()),
        ..user_claims(Uuid::now_v7())
    };
    let mut kinds = vec![
        ("a refresh token", Uuid::now_v7().simple().to_string()),
        ("a one-time token", forger.issuer.sign_as("ott+jwt", &one_time)),
        (
            "a one-time token for this route",
            forger.issuer.sign_as("ott+jwt", &claims),
        ),
        (
            "a token of a service for another",
            forger.issuer.service_token("gateway", "else", "provision"),
        ),
    ];
    if forger.of_service {
        let everything = ["user", "operator", "admin"];
        kinds.push((
            "a user's token",
            forger.issuer.token_with_roles(Uuid::now_v7(), &everything),
        ));
    } else {
        let everywhere = service_claims("gateway", &claims.aud, "provision");
        kinds.push((
            "a service's token for users' routes",
            forger.issuer.sign(&everywhere),
        ));
    }
    kinds
        .into_iter()
        .map(|(what, token)| (what.to_owned(), token))
        .collect()
}

fn bent(forger: &Forger, member: &str, raw: &str) -> Forgery {
    (
        format!("{member} {raw}"),
        forger.with_claims(&with(&forger.claims, member, raw)),
    )
}
