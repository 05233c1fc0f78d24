//! The receiving side: a CloudEvent that the sidecar posts, and the answers that it understands.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event as it is delivered: CloudEvents 1.0 in JSON, whose `data` is of the type that its `type` names.
///
/// What can't be read as such is dropped, which sends it to the dead-letter topic: no retry would mend it.
#[derive(Clone, Debug, Deserialize)]
pub struct Received<T> {
    pub id: Uuid,
    /// The CloudEvent's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: DateTime<Utc>,
    pub data: T,
}

/// What a consumer tells the sidecar; anything but these two is an error of ours, and delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "UPPERCASE")]
pub enum Outcome {
    Success,
    /// To the dead-letter topic.
    Drop,
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T, S> FromRequest<S> for Received<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Outcome;

    async fn from_request(request: Request, state: &S) -> Result<Self, Outcome> {
        let body = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|_| Outcome::Drop)?;
        serde_json::from_slice(&body).map_err(|error| {
            // The position and the expectation, never the body: it may hold what logs must not.
            tracing::error!(
                line = error.line(),
                column = error.column(),
                "an event could not be read; dropped"
            );
            Outcome::Drop
        })
    }
}
