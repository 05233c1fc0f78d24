//! Verifying a token: every check that RFC 9068 §4 and RFC 8725 ask for is set here, none is left to a default.

use axum::http::StatusCode;
use jsonwebtoken::{Validation, decode, decode_header};
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
    let header = decode_header(token).map_err(|_| invalid_token())?;
    if header.typ.as_deref() != Some(typ) {
        return Err(invalid_token());
    }
    // Only `kid` is read from the header. Keys that a token brings or points at (`jwk`, `jku`, `x5u`) are ignored.
    let kid = header.kid.ok_or_else(invalid_token)?;
    let key = keys.find(&kid).await?.ok_or_else(invalid_token)?;
    let mut rules = Validation::new(key.algorithm);
    rules.leeway = LEEWAY_S;
    rules.set_audience(&[audience]);
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.validate_exp = true;
    rules.validate_aud = true;
    decode::<Claims>(token, &key.decoding, &rules)
        .map(|token| token.claims)
        .map_err(|_| invalid_token())
}

/// One answer for every fault of a token: a forger learns nothing.
pub fn invalid_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "The access token is not valid",
    )
}
