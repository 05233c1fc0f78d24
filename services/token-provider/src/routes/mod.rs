//! One endpoint, one file.

pub mod client_credentials;
pub mod issue_one_time;
pub mod issue_tokens;
pub mod jwks;
pub mod list_signing_keys;
pub mod refresh_tokens;
pub mod revoke_tokens;
pub mod rotate_signing_keys;

use identity::Grant;

/// Auth, which knows the users.
pub struct Issuing;

impl Grant for Issuing {
    const CALLER: &str = "auth";
    const SCOPE: &str = "tokens:issue";
}
