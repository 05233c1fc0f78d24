//! Signing keys: made by `keygen`, read from the secret store, published as a key set (RFC 7517), used to sign. The
//! algorithm is a property of a key.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::PrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding, SecretDocument};
use serde::Serialize;
use serde_json::{Value, json};

const RSA_BITS: usize = 2048;

/// What a key signs with (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    Rs256,
    Es256,
}

impl KeyAlgorithm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    fn of_jwt(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        match name {
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            _ => bail!("{name} is no algorithm of ours; there are RS256 and ES256"),
        }
    }
}

/// A key of this installation.
#[derive(Clone)]
pub struct SigningKey {
    pub kid: String,
    pub algorithm: KeyAlgorithm,
    private: EncodingKey,
    pub public: Jwk,
}

impl SigningKey {
    fn parse(kid: &str, pem: &str) -> anyhow::Result<Self> {
        let (algorithm, private) = if let Ok(key) = EncodingKey::from_rsa_pem(pem.as_bytes()) {
            (KeyAlgorithm::Rs256, key)
        } else {
            let key = EncodingKey::from_ec_pem(pem.as_bytes())
                .context("is neither an RSA nor an EC key in PKCS#8 PEM")?;
            (KeyAlgorithm::Es256, key)
        };
        let mut public = Jwk::from_encoding_key(&private, algorithm.of_jwt())?;
        if let AlgorithmParameters::RSA(rsa) = &public.algorithm {
            // base64url has 4 characters for 3 bytes.
            let bits = rsa.n.len() * 3 / 4 * 8;
            ensure!(bits >= RSA_BITS, "has fewer than {RSA_BITS} bits");
        }
        public.common.key_id = Some(kid.to_owned());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            kid: kid.to_owned(),
            algorithm,
            private,
            public,
        })
    }

    /// A compact JWS (RFC 7515 §3.1) with this `typ`.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(self.algorithm.of_jwt());
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private)
    }
}

/// Reads the secret `token-signing-keys`, whose form is that of [`generate`].
pub(crate) fn read(secret: &HashMap<String, String>) -> anyhow::Result<Vec<SigningKey>> {
    ensure!(!secret.is_empty(), "there is no signing key");
    let key = |(kid, pem): (&String, &String)| {
        SigningKey::parse(kid, pem).with_context(|| format!("the signing key {kid}"))
    };
    secret.iter().map(key).collect()
}

/// A new key as a value of the secret `token-signing-keys`: `{"<kid>": "<PKCS#8 PEM>"}`. Add it to those that are there.
pub fn generate(algorithm: KeyAlgorithm) -> anyhow::Result<Value> {
    let pem = match algorithm {
        KeyAlgorithm::Rs256 => PrivateKey::new(&mut rand::rng(), RSA_BITS)?
            .to_pkcs8_pem(LineEnding::LF)?
            .to_string(),
        KeyAlgorithm::Es256 => {
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
            SecretDocument::try_from(der.as_ref())?
                .to_pem("PRIVATE KEY", LineEnding::LF)?
                .to_string()
        }
    };
    // RFC 7638: a name that follows from the key.
    let kid = SigningKey::parse("", &pem)?
        .public
        .thumbprint(ThumbprintHash::SHA256)?;
    Ok(json!({ kid: pem }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(algorithm: KeyAlgorithm) -> SigningKey {
        let secret = serde_json::from_value(generate(algorithm).unwrap()).unwrap();
        read(&secret).unwrap().remove(0)
    }

    #[test]
    fn what_keygen_writes_can_be_signed_with() {
        for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256] {
            let key = generated(algorithm);
            assert_eq!(key.algorithm, algorithm);
            assert_eq!(key.public.thumbprint(ThumbprintHash::SHA256).unwrap(), key.kid);
            let token = key.sign("at+jwt", &json!({ "sub": "x" })).unwrap();
            assert_eq!(
                jsonwebtoken::decode_header(&token).unwrap().alg,
                algorithm.of_jwt()
            );
        }
    }

    #[test]
    fn what_is_published_is_no_private_key() {
        for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256] {
            let published = serde_json::to_value(generated(algorithm).public).unwrap();
            for member in ["d", "p", "q", "dp", "dq", "qi"] {
                assert!(published.get(member).is_none(), "{published}");
            }
        }
    }

    #[test]
    fn a_secret_that_holds_no_good_key_is_refused() {
        assert!(read(&HashMap::new()).is_err());
        assert!(read(&HashMap::from([("kid".to_owned(), "no PEM".to_owned())])).is_err());
        let short = PrivateKey::new(&mut rand::rng(), 1024).unwrap();
        let pem = short.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
        assert!(read(&HashMap::from([("kid".to_owned(), pem)])).is_err());
    }
}
