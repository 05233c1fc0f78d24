//! Whoever stands in for Token Provider.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use identity::{Claims, ISSUER, Identity, SERVICE_SUBJECT, USER_AUDIENCE};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use uuid::Uuid;

/// Signs tokens that the [`Identity`] it hands out accepts, with RS256 or ES256. All issuers of one test process share
/// their keys, which take long to make.
#[derive(Clone)]
pub struct Issuer {
    pub(crate) rsa: Arc<Key>,
    pub(crate) ec: Arc<Key>,
}

pub(crate) struct Key {
    pub kid: String,
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    pub public: Jwk,
}

static SHARED: LazyLock<Issuer> = LazyLock::new(Issuer::generate);

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl Issuer {
    #[must_use]
    pub fn new() -> Self {
        SHARED.clone()
    }

    /// An issuer with keys that no service knows: its tokens are forgeries.
    #[must_use]
    pub fn generate() -> Self {
        let rsa = PrivateKey::new(&mut rand::rng(), 2048).expect("an RSA key");
        let rsa = EncodingKey::from_rsa_der(rsa.to_pkcs1_der().expect("DER").as_bytes());
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let ec = EncodingKey::from_ec_der(ec.expect("an EC key").as_ref());
        Self {
            rsa: Arc::new(Key::new("test-rsa", Algorithm::RS256, rsa)),
            ec: Arc::new(Key::new("test-ec", Algorithm::ES256, ec)),
        }
    }

    /// An issuer with the two keys of a Token Provider's secret, of each algorithm one: `{"<kid>": "<PKCS#8 PEM>"}`.
    #[must_use]
    pub fn of_secret(secret: &HashMap<String, String>) -> Self {
        let find = |algorithm, parse: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>| {
            let mut keys = secret
                .iter()
                .filter_map(|(kid, pem)| Some((kid, parse(pem.as_bytes()).ok()?)));
            let (kid, private) = keys.next().expect("a key of each algorithm");
            Arc::new(Key::new(kid, algorithm, private))
        };
        Self {
            rsa: find(Algorithm::RS256, EncodingKey::from_rsa_pem),
            ec: find(Algorithm::ES256, EncodingKey::from_ec_pem),
        }
    }

    /// The identity of the service under test. Its calls to others carry the bearer token `outbound`.
    #[must_use]
    pub fn identity(&self, app_id: &'static str) -> Identity {
        Identity::with_keys_and_bearer(app_id, self.keys(), "outbound".to_owned())
    }

    /// What Token Provider would show at `/.well-known/jwks.json`.
    #[must_use]
    pub fn keys(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.rsa.public.clone(), self.ec.public.clone()],
        }
    }

    /// A valid access token of a user with the role `user`.
    #[must_use]
    pub fn user_token(&self, user_id: Uuid) -> String {
        self.sign(&user_claims(user_id))
    }

    /// A valid access token of a user with these roles.
    #[must_use]
    pub fn token_with_roles(&self, user_id: Uuid, roles: &[&str]) -> String {
        let roles = roles.iter().map(ToString::to_string).collect();
        self.sign(&Claims {
            roles,
            ..user_claims(user_id)
        })
    }

    /// A valid token of the service `caller` for calls to `audience`.
    #[must_use]
    pub fn service_token(&self, caller: &str, audience: &str, scope: &str) -> String {
        self.sign(&service_claims(caller, audience, scope))
    }

    /// An access token with any claims, signed with RS256.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        self.sign_as("at+jwt", claims)
    }

    /// An access token with any claims, signed with ES256.
    #[must_use]
    pub fn sign_es256(&self, claims: &Claims) -> String {
        self.ec.sign("at+jwt", claims)
    }

    /// A token with any type and any claims.
    #[must_use]
    pub fn sign_as(&self, typ: &str, claims: &Claims) -> String {
        self.rsa.sign(typ, claims)
    }
}

impl Key {
    fn new(kid: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let mut public = Jwk::from_encoding_key(&private, algorithm).expect("a public key");
        public.common.key_id = Some(kid.to_owned());
        Self {
            kid: kid.to_owned(),
            algorithm,
            private,
            public,
        }
    }

    fn sign(&self, typ: &str, claims: &Claims) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private).expect("a token")
    }

    /// A well-signed token of any header and claims, also of such that no library would write.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        sign_text(header, claims, &self.private, self.algorithm)
    }
}

pub(crate) fn sign_text(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

/// Valid claims of a user's access token, for a test to bend.
#[must_use]
pub fn user_claims(user_id: Uuid) -> Claims {
    let now = Utc::now().timestamp();
    Claims {
        iss: ISSUER.to_owned(),
        aud: USER_AUDIENCE.to_owned(),
        sub: user_id.to_string(),
        iat: now,
        exp: now + 600,
        jti: Uuid::now_v7(),
        sid: Some(Uuid::now_v7()),
        roles: vec!["user".to_owned()],
        scope: String::new(),
        purpose: None,
    }
}

/// Valid claims of the service `caller` for calls to `audience`, for a test to bend.
#[must_use]
pub fn service_claims(caller: &str, audience: &str, scope: &str) -> Claims {
    Claims {
        aud: audience.to_owned(),
        sub: format!("{SERVICE_SUBJECT}{caller}"),
        scope: scope.to_owned(),
        sid: None,
        roles: Vec::new(),
        ..user_claims(Uuid::nil())
    }
}
