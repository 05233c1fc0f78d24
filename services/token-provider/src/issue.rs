//! Making a user's pair of tokens.

use chrono::{DateTime, Utc};
use identity::{Claims, ISSUER, USER_AUDIENCE};
use problem::Result;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;

/// `typ` of access tokens, RFC 9068 §2.1.
pub const ACCESS_TOKEN: &str = "at+jwt";

/// An access token and the refresh token that brings the next one.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    /// Opaque; good for one use.
    pub refresh_token: String,
    pub refresh_expires_at: DateTime<Utc>,
}

/// A new opaque refresh token, 256 random bits, and the hash under which it is stored.
pub fn new_refresh_token() -> (String, [u8; 32]) {
    let bytes: [u8; 32] = rand::random();
    let token = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes);
    let hash = hash(&token);
    (token, hash)
}

/// A fast hash is right for 256 random bits: nothing can be guessed.
pub fn hash(refresh_token: &str) -> [u8; 32] {
    Sha256::digest(refresh_token).into()
}

/// Signs an access token for a user's session.
pub fn access_token(
    app: &AppState,
    user_id: Uuid,
    session_id: Uuid,
    roles: Vec<String>,
    now: DateTime<Utc>,
) -> Result<(String, DateTime<Utc>)> {
    let expires_at = now + app.lifetimes.access;
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: USER_AUDIENCE.to_owned(),
        sub: user_id.to_string(),
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
        jti: Uuid::now_v7(),
        sid: Some(session_id),
        roles,
        scope: String::new(),
        purpose: None,
    };
    Ok((app.keys.sign(ACCESS_TOKEN, &claims)?, expires_at))
}
