//! A good token that does not come as RFC 6750 §2.1 has it: in one `Authorization` header, after `Bearer`.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Target;

pub fn all(target: &Target) -> Vec<(String, Request<Body>)> {
    let token = target.issuer.sign(&target.claims);
    let bearer = format!("Bearer {token}");
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{token}")));
    let values = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer    ".to_owned(),
        token.clone(),
        basic,
        format!("Token {token}"),
        format!("DPoP {token}"),
        format!("Bearer: {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer token={token}"),
        format!("Bearer {token}, Bearer {token}"),
    ];
    let mut requests: Vec<_> = values
        .into_iter()
        .map(|value| (value.replace(&token, "TOKEN"), target.with([value])))
        .collect();
    requests.push(("two headers".to_owned(), target.with([bearer.clone(), bearer])));
    requests.push(("no header".to_owned(), target.with([])));
    requests.push(("a header that is no text".to_owned(), not_text(target, &token)));
    requests.push((
        "a token in the address".to_owned(),
        in_the_address(target, &token),
    ));
    requests
}

fn not_text(target: &Target, token: &str) -> Request<Body> {
    let mut value = format!("Bearer {token}").into_bytes();
    value.push(0xff);
    let mut request = target.with([]);
    let value = HeaderValue::from_bytes(&value).expect("a header value");
    request.headers_mut().insert("authorization", value);
    request
}

/// RFC 6750 §2.3, which RFC 9700 §4.3.2 takes back.
fn in_the_address(target: &Target, token: &str) -> Request<Body> {
    let path = format!("{}?access_token={token}", target.path);
    crate::request(target.method, &path, "", &Value::Null)
}
