//! Who says how a token is verified: the key, never the token (RFC 8725 §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::{Algorithm, EncodingKey};
use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};

use super::json::{with, without};
use super::{Forger, Forgery};
use crate::issuer::sign_text;

pub fn all(forger: &Forger) -> Vec<Forgery> {
    [
        unsigned(forger),
        confused(forger),
        of_another_algorithm(forger),
        badly_signed(forger),
    ]
    .concat()
}

/// `alg: none`, in all its spellings, with and without a signature.
fn unsigned(forger: &Forger) -> Vec<Forgery> {
    let spellings = [
        r#""none""#,
        r#""None""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#""""#,
        "null",
        "[]",
    ];
    let headers = spellings.map(|alg| (format!("alg {alg}"), with(&forger.header, "alg", alg)));
    let missing = ("no alg".to_owned(), without(&forger.header, "alg"));
    let mut forgeries = Vec::new();
    for (what, header) in headers.into_iter().chain([missing]) {
        let signed = forger.with_header(&header);
        let message = signed.rsplit_once('.').expect("a signature").0;
        forgeries.push((format!("{what}, no signature"), format!("{message}.")));
        forgeries.push((format!("{what}, a signature"), signed));
    }
    forgeries
}

/// A public key taken for the secret of an HMAC, in each form in which it may be at hand.
fn confused(forger: &Forger) -> Vec<Forgery> {
    let private = PrivateKey::from_pkcs1_der(forger.issuer.rsa.private.as_bytes()).expect("an RSA key");
    let public = private.to_public_key();
    let spki_pem = public.to_public_key_pem(LineEnding::LF).expect("PEM");
    let mut secrets = vec![
        ("PEM, trimmed", spki_pem.trim().as_bytes().to_vec()),
        ("PEM", spki_pem.into_bytes()),
        (
            "PKCS#1 PEM",
            public.to_pkcs1_pem(LineEnding::LF).expect("PEM").into_bytes(),
        ),
        ("DER", public.to_public_key_der().expect("DER").into_vec()),
        ("PKCS#1 DER", public.to_pkcs1_der().expect("DER").into_vec()),
        ("nothing", Vec::new()),
        (
            "the JWK",
            serde_json::to_vec(&forger.issuer.rsa.public).expect("JSON"),
        ),
    ];
    if let AlgorithmParameters::RSA(rsa) = &forger.issuer.rsa.public.algorithm {
        secrets.push(("n", URL_SAFE_NO_PAD.decode(&rsa.n).expect("base64")));
        secrets.push(("n in base64", rsa.n.clone().into_bytes()));
    }
    let mut forgeries = Vec::new();
    for (name, algorithm) in [("HS256", Algorithm::HS256), ("HS512", Algorithm::HS512)] {
        let header = with(&forger.header, "alg", &format!(r#""{name}""#));
        for (form, secret) in &secrets {
            let key = EncodingKey::from_secret(secret);
            let token = sign_text(&header, &forger.claims, &key, algorithm);
            forgeries.push((format!("{name} with {form} of the public key"), token));
        }
    }
    forgeries
}

/// Well signed with our keys, but not with the algorithm that the key is for.
fn of_another_algorithm(forger: &Forger) -> Vec<Forgery> {
    let (rsa, ec) = (&forger.issuer.rsa, &forger.issuer.ec);
    let sibling = |name: &str, algorithm| {
        let header = with(&forger.header, "alg", &format!(r#""{name}""#));
        let token = sign_text(&header, &forger.claims, &rsa.private, algorithm);
        (format!("{name} with the key of RS256"), token)
    };
    let ec_under_rsa = with(&forger.header, "alg", r#""ES256""#);
    let rsa_under_ec = with(&forger.header, "kid", &format!(r#""{}""#, ec.kid));
    vec![
        sibling("RS384", Algorithm::RS384),
        sibling("RS512", Algorithm::RS512),
        sibling("PS256", Algorithm::PS256),
        (
            "ES256 under the key id of RS256".to_owned(),
            ec.sign_text(&ec_under_rsa, &forger.claims),
        ),
        (
            "RS256 under the key id of ES256".to_owned(),
            rsa.sign_text(&rsa_under_ec, &forger.claims),
        ),
        (
            "an algorithm that we don't know".to_owned(),
            forger.with_header(&with(&forger.header, "alg", r#""RS1""#)),
        ),
    ]
}

fn badly_signed(forger: &Forger) -> Vec<Forgery> {
    let good = forger.good();
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let other = with(&forger.claims, "jti", r#""00000000-0000-0000-0000-000000000000""#);
    let other = forger.with_claims(&other);
    let other = other.rsplit_once('.').expect("a signature").1;
    let stranger = &forger.stranger.rsa;
    let ec_header = format!(
        r#"{{"typ":"at+jwt","alg":"ES256","kid":"{}"}}"#,
        forger.issuer.ec.kid
    );
    let ec_token = forger.issuer.ec.sign_text(&ec_header, &forger.claims);
    let ec_message = ec_token.rsplit_once('.').expect("a signature").0;
    let zeros = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0; bytes]);
    let cases = [
        ("a blank signature", format!("{message}.")),
        ("a signature of zeros", format!("{message}.{}", zeros(256))),
        (
            "half a signature",
            format!("{message}.{}", &signature[..signature.len() / 2]),
        ),
        ("the signature of another token", format!("{message}.{other}")),
        (
            "a stranger's signature",
            stranger.sign_text(&forger.header, &forger.claims),
        ),
        ("ES256, a blank signature", format!("{ec_message}.")),
        // r = s = 0 is a signature of everything where the range is not checked (CVE-2022-21449).
        ("ES256, r and s of zero", format!("{ec_message}.{}", zeros(64))),
        (
            "ES256, a stranger's signature",
            forger.stranger.ec.sign_text(&ec_header, &forger.claims),
        ),
    ];
    cases.map(|(what, token)| (what.to_owned(), token)).to_vec()
}
