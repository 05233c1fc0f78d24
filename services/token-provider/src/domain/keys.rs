//! Signing keys: made by `keygen`, read from the secret store, published as a key set (RFC 7517), used to sign.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::PrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The entry of the secret store that names the key to sign with; the others are PEM texts under their key ids.
const ACTIVE: &str = "active";
const BITS: usize = 2048;

/// The keys of this installation: one signs, all are published.
pub struct Keys {
    kid: String,
    signing: EncodingKey,
    public: JwkSet,
}

impl Keys {
    /// Reads the secret `token-signing-keys`, whose form is that of [`generate`].
    pub fn parse(secret: &HashMap<String, String>) -> anyhow::Result<Self> {
        let kid = secret
            .get(ACTIVE)
            .context("the secret names no active key")?
            .clone();
        let active = secret.get(&kid).context("the active key is not in the secret")?;
        let signing = EncodingKey::from_rsa_pem(active.as_bytes()).context("the active key can't be read")?;
        let mut public = Vec::new();
        for (kid, pem) in secret.iter().filter(|(name, _)| *name != ACTIVE) {
            let key =
                PrivateKey::from_pkcs8_pem(pem).with_context(|| format!("the key {kid} is no PKCS#8 PEM"))?;
            ensure!(key.size() * 8 >= BITS, "the key {kid} has fewer than {BITS} bits");
            public.push(jwk(kid, &key));
        }
        let public = serde_json::from_value(json!({ "keys": public }))?;
        Ok(Self { kid, signing, public })
    }

    /// The public halves.
    pub fn public(&self) -> &JwkSet {
        &self.public
    }

    /// A compact JWS (RFC 7515 §3.1) with this `typ` and the active key.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
    }
}

/// A new key as the value of the secret `token-signing-keys`: `{"active": "<kid>", "<kid>": "<PKCS#8 PEM>"}`.
pub fn generate() -> anyhow::Result<Value> {
    let key = PrivateKey::new(&mut rand::rng(), BITS)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF)?;
    let kid = thumbprint(&key);
    Ok(json!({ ACTIVE: kid, kid: pem.as_str() }))
}

fn jwk(kid: &str, key: &PrivateKey) -> Value {
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": modulus(key), "e": exponent(key) })
}

/// RFC 7638 §3: the hash of the required members, in lexical order, without white space.
fn thumbprint(key: &PrivateKey) -> String {
    let members = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        exponent(key),
        modulus(key)
    );
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

fn modulus(key: &PrivateKey) -> String {
    URL_SAFE_NO_PAD.encode(key.n_bytes())
}

fn exponent(key: &PrivateKey) -> String {
    URL_SAFE_NO_PAD.encode(key.e_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keygen_writes_can_be_signed_with() {
        let secret = serde_json::from_value(generate().unwrap()).unwrap();
        let keys = Keys::parse(&secret).unwrap();
        assert_eq!(keys.public().keys.len(), 1);
        assert_eq!(
            keys.sign("at+jwt", &json!({ "sub": "x" }))
                .unwrap()
                .split('.')
                .count(),
            3
        );
    }

    #[test]
    fn a_secret_without_its_active_key_is_refused() {
        let secret = HashMap::from([(ACTIVE.to_owned(), "gone".to_owned())]);
        assert!(Keys::parse(&secret).is_err());
    }
}
