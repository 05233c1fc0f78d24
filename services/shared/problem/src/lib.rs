//! Errors as part of the interface: RFC 9457 problems with a stable `code`, and the extractors whose
//! rejections are such problems.
//!
//! A handler returns [`Result<T>`]. An expected refusal is a [`Problem`] that says what the caller can do;
//! any other error turns into a `500 internal_error` through `?`: it is logged once, and not told.

mod extract;

use axum::Json as JsonBody;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub use extract::{Json, Path, Query};

pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// One problem, as RFC 9457 §3 shapes it. `code` is stable; `title` and `detail` are for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
}

/// What is wrong with one field of a body, an extension member of RFC 9457 §3.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path of the field: `amount.amount_minor`.
    pub field: String,
    pub message: String,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// The answer to a fault of ours. The cause is logged here, once, and stays inside.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side",
        )
    }

    /// A bounded resource is in use; the caller may come again after `retry_after_s` seconds.
    #[must_use]
    pub fn busy(retry_after_s: u32) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Too much is going on right now",
        )
        .retry_after_s(retry_after_s)
    }

    /// The caller does something too often; it may come again after `retry_after_s` seconds (RFC 6585 §4).
    #[must_use]
    pub fn rate_limited(retry_after_s: u32) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many requests; come again later",
        )
        .retry_after_s(retry_after_s)
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Sets `Retry-After`, in seconds (RFC 9110 §10.2.3).
    #[must_use]
    pub const fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as JSON, for an answer that is stored and given again.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self.body())
    }

    fn body(&self) -> Body<'_> {
        Body {
            r#type: format!("/errors/{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.as_deref(),
            errors: &self.errors,
        }
    }
}

/// The media type of a problem, RFC 9457 §6.1.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, JsonBody(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3: nothing is said to somebody who brought no token.
            let challenge = match self.code {
                "invalid_token" => r#"Bearer error="invalid_token""#,
                _ => "Bearer",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// Lets `?` turn any unexpected error into an `internal_error`. `Problem` is no `Error` itself, so that the
/// two conversions don't meet.
impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::internal(&error)
    }
}

/// The router's fallback for a path that no route has.
pub async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this path",
    )
}

/// The router's fallback for a path that has no such method.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method",
    )
}
