//! Verifying a token: every check that RFC 9068 §4 and RFC 8725 ask for is set here, none is left to a default.

use axum::http::StatusCode;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, get_current_timestamp};
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ISSUER;
use crate::keys::Keys;

/// `aud` of users' access tokens: every service of PayMe accepts it.
pub const USER_AUDIENCE: &str = "payme";
/// `sub` of a service is this and its app-id.
pub const SERVICE_SUBJECT: &str = "service:";
/// Clocks of one installation differ by less.
const LEEWAY_S: u64 = 5;
/// No token of ours comes near it.
const LONGEST_TOKEN_BYTES: usize = 8 * 1024;

/// The claims of PayMe's tokens; which of the optional ones are there depends on the token's type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// A user id, or `service:<app-id>`.
    pub sub: String,
    /// Seconds since the epoch, as RFC 7519 §2 has it.
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// What a one-time token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

pub async fn verify(keys: &Keys, token: &str, typ: &str, audience: &str) -> Result<Claims> {
    let kid = key_id(token, typ)?;
    let key = keys.find(&kid).await?.ok_or_else(invalid_token)?;
    let token = decode::<Claims>(token, &key.decoding, &rules(key.algorithm, audience));
    token
        .map(|token| token.claims)
        .ok()
        .filter(is_issued)
        .ok_or_else(invalid_token)
}

/// The key that a token of this type says it is signed with.
fn key_id(token: &str, typ: &str) -> Result<String> {
    if token.len() > LONGEST_TOKEN_BYTES {
        return Err(invalid_token());
    }
    let header = decode_header(token).map_err(|_| invalid_token())?;
    // We know no extension: a token that insists on one is not for us (RFC 7515 §4.1.11, and RFC 7797 for `b64`).
    let extended = header.crit.is_some() || header.extras.inner().contains_key("b64");
    if extended || header.typ.as_deref() != Some(typ) {
        return Err(invalid_token());
    }
    // Only `kid` names a key. Keys that a token brings or points at (`jwk`, `x5c`, `jku`, `x5u`) are ignored.
    header.kid.ok_or_else(invalid_token)
}

fn rules(algorithm: Algorithm, audience: &str) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.leeway = LEEWAY_S;
    rules.reject_tokens_expiring_in_less_than = 0;
    rules.set_audience(&[audience]);
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.validate_exp = true;
    rules.validate_nbf = true;
    rules.validate_aud = true;
    rules
}

/// `jsonwebtoken` does not look at `iat`: a token of the future was made by somebody who is not Token Provider.
fn is_issued(claims: &Claims) -> bool {
    let latest = get_current_timestamp() + LEEWAY_S;
    u64::try_from(claims.iat).is_ok_and(|issued_at| issued_at <= latest)
}

/// One answer for every fault of a token: a forger learns nothing.
pub fn invalid_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "The access token is not valid",
    )
}
