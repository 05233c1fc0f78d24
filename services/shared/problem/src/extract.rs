//! Extractors that read a request and answer a bad one with a problem.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::{FieldError, Problem};

/// A JSON body that is well formed, of the right shape and valid by its own `garde` rules.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(value) = axum::Json::<T>::from_request(request, state)
            .await
            .map_err(|rejection| json(&rejection))?;
        value.validate().map_err(|report| invalid(&report))?;
        Ok(Self(value))
    }
}

fn json(rejection: &JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonSyntaxError(_) => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "The body is not JSON")
        }
        // The message names the field and the expected type. It can repeat a value of the body, which goes
        // back only to who sent it; nothing of it is logged.
        JsonRejection::JsonDataError(error) => invalid_request()
            .detail(std::error::Error::source(error).map_or_else(String::new, ToString::to_string)),
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body has to be application/json",
        ),
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is too large",
        ),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_json",
            "The body could not be read",
        ),
    }
}

fn invalid(report: &garde::Report) -> Problem {
    let errors = report
        .iter()
        .map(|(path, error)| FieldError {
            field: path.to_string(),
            message: error.to_string(),
        })
        .collect();
    invalid_request().errors(errors)
}

const fn invalid_request() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
}

/// The parameters of the path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection: PathRejection| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "invalid_path",
                    "A part of the path has the wrong form",
                )
                .detail(rejection.body_text())
            })
    }
}

/// The query string, valid by its own `garde` rules.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let bad = || {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                "A query parameter has the wrong form",
            )
        };
        let axum::extract::Query(value) = axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection: QueryRejection| bad().detail(rejection.body_text()))?;
        value
            .validate()
            .map_err(|report| bad().detail(report.to_string()))?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Name {
        #[garde(length(max = 3))]
        name: String,
    }

    async fn code_of(content_type: &str, body: &'static str) -> &'static str {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .unwrap();
        match Json::<Name>::from_request(request, &()).await {
            Ok(Json(name)) => panic!("accepted {name:?}"),
            Err(problem) => problem.code(),
        }
    }

    #[tokio::test]
    async fn each_kind_of_bad_body_has_its_own_code() {
        let json = "application/json";
        assert_eq!(code_of("text/plain", "{}").await, "unsupported_media_type");
        assert_eq!(code_of(json, "{").await, "malformed_json");
        assert_eq!(code_of(json, "{}").await, "invalid_request");
        assert_eq!(code_of(json, r#"{"name":1}"#).await, "invalid_request");
        assert_eq!(code_of(json, r#"{"name":"abcd"}"#).await, "invalid_request");
        assert_eq!(code_of(json, r#"{"name":"a","age":3}"#).await, "invalid_request");
    }
}
