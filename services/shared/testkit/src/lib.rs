//! For tests of routes: an issuer with a key of its own, in the place of Token Provider, and a way to call a router.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that can't be set up has to end"
)]

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use chrono::Utc;
use http_body_util::BodyExt;
use identity::{Claims, ISSUER, Identity, SERVICE_SUBJECT, USER_AUDIENCE};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

const KID: &str = "test-key";

/// Signs tokens that the [`Identity`] it hands out accepts. All issuers of one test process share a key,
/// which takes long to make.
#[derive(Clone)]
pub struct Issuer {
    signing: Arc<EncodingKey>,
    public: JwkSet,
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

    /// An issuer with a key that no service knows: its tokens are forgeries.
    #[must_use]
    pub fn generate() -> Self {
        let key = PrivateKey::new(&mut rand::rng(), 2048).expect("a key");
        let signing = EncodingKey::from_rsa_der(key.to_pkcs1_der().expect("DER").as_bytes());
        let b64 =
            |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes);
        let public = serde_json::from_value(json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID,
            "n": b64(&key.n_bytes()), "e": b64(&key.e_bytes()),
        }]}))
        .expect("a key set");
        Self {
            signing: Arc::new(signing),
            public,
        }
    }

    /// The identity of the service under test. Its calls to others carry the bearer token `outbound`.
    #[must_use]
    pub fn identity(&self, app_id: &'static str) -> Identity {
        Identity::with_keys_and_bearer(app_id, self.public.clone(), "outbound".to_owned())
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
        self.sign(&Claims {
            aud: audience.to_owned(),
            sub: format!("{SERVICE_SUBJECT}{caller}"),
            scope: scope.to_owned(),
            sid: None,
            roles: Vec::new(),
            ..user_claims(Uuid::nil())
        })
    }

    /// An access token with any claims.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        self.sign_as("at+jwt", claims)
    }

    /// A token with any type and any claims.
    #[must_use]
    pub fn sign_as(&self, typ: &str, claims: &Claims) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(KID.to_owned());
        jsonwebtoken::encode(&header, claims, &self.signing).expect("a token")
    }
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

/// A whole answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// `null` if the body is empty or no JSON.
    pub json: Value,
}

impl Answer {
    /// The problem's stable code, or an empty text.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

/// A request with a bearer token (unless it is empty) and a JSON body (unless it is null).
#[must_use]
pub fn request(method: &str, path: &str, token: &str, body: &Value) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json");
        Body::from(body.to_string())
    };
    request.body(body).expect("a request")
}

/// Delivers an event as the sidecar does, which shows `app_token`.
pub async fn deliver(router: &Router, path: &str, app_token: &str, event: &Value) -> Answer {
    let mut request = request("POST", path, "", event);
    let headers = request.headers_mut();
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/cloudevents+json"),
    );
    headers.insert("dapr-api-token", app_token.parse().expect("a header value"));
    call(router, request).await
}

/// Calls the router as a caller would see it and reads the whole answer.
#[expect(
    clippy::expect_used,
    reason = "a router can't fail, and its bodies are in memory"
)]
pub async fn call(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        json,
    }
}
