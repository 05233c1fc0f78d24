//! The attacks on tokens that RFC 8725 and the years since have collected: a route that takes a token refuses every one.

mod algorithms;
mod claims;
mod credentials;
mod forms;
mod headers;
mod json;

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use chrono::Utc;
use identity::{Claims, SERVICE_SUBJECT};

use crate::{Answer, Issuer, call};

/// A route, and the claims that it grants entry to.
pub struct Target<'a> {
    pub router: &'a Router,
    pub issuer: &'a Issuer,
    pub method: &'a str,
    pub path: &'a str,
    pub claims: Claims,
}

/// What is wrong with a token, and the token.
type Forgery = (String, String);

/// What a forger knows: tokens of ours, their header and claims as text, the public keys, and keys of a stranger's own.
struct Forger<'a> {
    issuer: &'a Issuer,
    stranger: &'a Issuer,
    header: String,
    claims: String,
    of_service: bool,
}

static STRANGER: LazyLock<Issuer> = LazyLock::new(Issuer::generate);

/// Calls the route with each forged token and each misuse of the header that carries one.
pub async fn assert_none_passes(target: &Target<'_>) {
    target.assert_good_tokens_pass().await;
    let forger = Forger::new(target);
    let tokens = [
        algorithms::all(&forger),
        headers::all(&forger),
        claims::all(&forger),
        forms::all(&forger),
    ]
    .concat();
    let mut passed = Vec::new();
    for (what, token) in tokens {
        passed.extend(target.passes(&what, target.bearing(&token)).await);
    }
    for (what, request) in credentials::all(target) {
        passed.extend(target.passes(&what, request).await);
    }
    assert!(
        passed.is_empty(),
        "{} {} let pass: {passed:#?}",
        target.method,
        target.path
    );
}

impl Target<'_> {
    /// Without it, a route that refuses everything would look safe.
    async fn assert_good_tokens_pass(&self) {
        self.assert_passes("RS256", &self.issuer.sign(&self.claims)).await;
        self.assert_passes("ES256", &self.issuer.sign_es256(&self.claims))
            .await;
        // Signed just before they are sent: the leeway is a few seconds, and the first call may take as long.
        let just_ended = Claims {
            exp: Utc::now().timestamp() - 1,
            ..self.claims.clone()
        };
        self.assert_passes("ended within the leeway", &self.issuer.sign(&just_ended))
            .await;
        let slow_clock = Claims {
            iat: Utc::now().timestamp() + 2,
            ..self.claims.clone()
        };
        self.assert_passes("issued within the leeway", &self.issuer.sign(&slow_clock))
            .await;
        let token = self.issuer.sign(&self.claims);
        let lower_case = self.with([format!("bearer {token}")]);
        assert!(
            !refuses(&call(self.router, lower_case).await),
            "RFC 9110 §11.1: schemes have no case"
        );
    }

    async fn assert_passes(&self, what: &str, token: &str) {
        let answer = call(self.router, self.bearing(token)).await;
        assert!(!refuses(&answer), "a good token was refused, {what}: {answer:?}");
    }

    /// What happened, if it was no refusal.
    async fn passes(&self, what: &str, request: Request<Body>) -> Option<String> {
        let answer = call(self.router, request).await;
        // RFC 6750 §3: a bad token is told apart from none.
        let challenge = match answer.code() {
            "invalid_token" => r#"Bearer error="invalid_token""#,
            "missing_token" | "not_logged_in" => "Bearer",
            _ => "no refusal",
        };
        let challenged = answer
            .headers
            .get("www-authenticate")
            .is_some_and(|shown| shown == challenge);
        let refused = answer.status == StatusCode::UNAUTHORIZED && challenged;
        (!refused).then(|| format!("{what}: {} {}", answer.status, answer.json))
    }

    fn bearing(&self, token: &str) -> Request<Body> {
        self.with([format!("Bearer {token}")])
    }

    fn with<const N: usize>(&self, authorizations: [String; N]) -> Request<Body> {
        let mut request = crate::request(self.method, self.path, "", &serde_json::Value::Null);
        for authorization in authorizations {
            let value = HeaderValue::try_from(authorization).expect("a header value");
            request.headers_mut().append("authorization", value);
        }
        request
    }
}

/// Whether the answer refuses the token, and not what is asked for with it.
pub(crate) fn refuses(answer: &Answer) -> bool {
    ["missing_token", "invalid_token", "forbidden"].contains(&answer.code())
}

impl<'a> Forger<'a> {
    fn new(target: &Target<'a>) -> Self {
        let kid = &target.issuer.rsa.kid;
        Self {
            issuer: target.issuer,
            stranger: &STRANGER,
            header: format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":"{kid}"}}"#),
            claims: serde_json::to_string(&target.claims).expect("JSON"),
            of_service: target.claims.sub.starts_with(SERVICE_SUBJECT),
        }
    }

    /// A token with this header and good claims, well signed.
    fn with_header(&self, header: &str) -> String {
        self.issuer.rsa.sign_text(header, &self.claims)
    }

    /// A token with these claims and a good header, well signed.
    fn with_claims(&self, claims: &str) -> String {
        self.issuer.rsa.sign_text(&self.header, claims)
    }

    fn good(&self) -> String {
        self.with_header(&self.header)
    }
}
