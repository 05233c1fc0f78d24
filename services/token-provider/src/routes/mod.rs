//! One endpoint, one file.

pub mod client_credentials;
pub mod issue_one_time;
pub mod issue_tokens;
pub mod jwks;
pub mod refresh_tokens;
pub mod revoke_tokens;

use identity::Grant;

/// Auth, which knows the users.
pub struct Issuing;

impl Grant for Issuing {
    const CALLER: &str = "auth";
    const SCOPE: &str = "tokens:issue";
}
