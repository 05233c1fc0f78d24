//! The services that may ask for tokens, by what they prove themselves with.

use std::collections::HashMap;

use sidecar::{Error, Sidecar};

use crate::domain::grants::GRANTS;

/// The client secret of every service that is granted anything.
pub async fn secrets(sidecar: &Sidecar) -> Result<HashMap<String, String>, Error> {
    let mut secrets = HashMap::new();
    for caller in GRANTS.iter().map(|grant| grant.caller) {
        let value = sidecar.secret_value(&format!("client-secret-{caller}")).await?;
        secrets.insert(caller.to_owned(), value);
    }
    Ok(secrets)
}
