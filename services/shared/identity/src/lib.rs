//! Who calls: access tokens of users (RFC 9068) and of services, verified with Token Provider's public keys;
//! and the tokens with which this service calls others.
//!
//! A permission is a type in a handler's signature: [`User`], [`Operator`], [`Admin`] or [`Service<G>`].

mod extract;
mod keys;
mod outbound;
mod verify;

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use sidecar::Sidecar;

pub use extract::{Admin, Grant, Operator, Service, User};
pub use verify::{Claims, SERVICE_SUBJECT, USER_AUDIENCE};

/// `iss` of every token, and the only issuer that is accepted.
pub const ISSUER: &str = "payme";

/// A service's view of identity: whose tokens it accepts, and who it is itself.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    app_id: &'static str,
    keys: keys::Keys,
    outbound: Option<outbound::Outbound>,
}

impl Identity {
    /// For a service that fetches keys and its own tokens through its sidecar. `client_secret` is what
    /// Token Provider knows this service by.
    #[must_use]
    pub fn new(sidecar: Sidecar, app_id: &'static str, client_secret: String) -> Self {
        Self(Arc::new(Inner {
            app_id,
            keys: keys::Keys::fetched(sidecar.clone()),
            outbound: Some(outbound::Outbound::new(sidecar, app_id, client_secret)),
        }))
    }

    /// Reads the client secret from the secret store, then as [`Identity::new`].
    pub async fn from_sidecar(sidecar: Sidecar, app_id: &'static str) -> Result<Self, sidecar::Error> {
        let client_secret = sidecar.secret_value(&format!("client-secret-{app_id}")).await?;
        Ok(Self::new(sidecar, app_id, client_secret))
    }

    /// For whoever has the keys at hand: Token Provider itself, and tests. It calls nobody.
    #[must_use]
    pub fn with_keys(app_id: &'static str, keys: JwkSet) -> Self {
        Self(Arc::new(Inner {
            app_id,
            keys: keys::Keys::preset(&keys),
            outbound: None,
        }))
    }

    /// Takes other keys in the place of those it was made with.
    pub async fn set_keys(&self, keys: &JwkSet) {
        self.0.keys.set(keys).await;
    }

    /// As [`Identity::with_keys`], and with tokens for calls that are all `token`: for tests of services that call.
    #[must_use]
    pub fn with_keys_and_bearer(app_id: &'static str, keys: JwkSet, token: String) -> Self {
        let outbound = Some(outbound::Outbound::preset(token));
        Self(Arc::new(Inner {
            app_id,
            keys: keys::Keys::preset(&keys),
            outbound,
        }))
    }

    /// A token for a call to `audience`, from the cache or newly made; renewed in the last fifth of its life.
    pub async fn bearer(&self, audience: &'static str, scope: &'static str) -> problem::Result<String> {
        match &self.0.outbound {
            Some(outbound) => outbound.bearer(audience, scope).await,
            None => Err(problem::Problem::internal(
                &"this service has no credentials to call others",
            )),
        }
    }

    /// The claims of a valid token of type `typ` for `audience`. Verifies signature, `typ`, `iss`, `aud`, `exp` and `sub`.
    pub async fn verify(&self, token: &str, typ: &str, audience: &str) -> problem::Result<Claims> {
        verify::verify(&self.0.keys, token, typ, audience).await
    }
}
