//! The receiving side: a CloudEvent that the sidecar posts, and the answers that it understands.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sidecar::{Sidecar, only_from_sidecar};
use telemetry::{TraceContext, in_trace};
use tracing::Span;
use uuid::Uuid;

/// An event is small; daprd takes no larger one by default either.
const LARGEST_BYTES: usize = 4 * 1024 * 1024;

/// The routes at which events arrive: only the own sidecar may deliver, and a handler works in the trace of its event.
pub fn deliveries<S: Clone + Send + Sync + 'static>(routes: Router<S>, sidecar: &Sidecar) -> Router<S> {
    routes
        .layer(from_fn(in_trace_of_event))
        .layer(from_fn_with_state(sidecar.clone(), only_from_sidecar))
}

/// daprd sends no `traceparent` of an event unless it traces itself, so the envelope's own is used (CloudEvents'
/// distributed tracing extension).
async fn in_trace_of_event(request: Request, next: Next) -> Response {
    #[derive(Deserialize)]
    struct Traced {
        traceparent: String,
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BYTES).await else {
        return Outcome::Drop.into_response();
    };
    let traced = serde_json::from_slice::<Traced>(&body);
    let request = Request::from_parts(parts, Body::from(body));
    let Ok(Traced { traceparent }) = traced else {
        return next.run(request).await;
    };
    let trace = TraceContext::following(&traceparent);
    Span::current().record("trace_id", trace.trace_id());
    in_trace(trace, next.run(request)).await
}

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

impl<T> Received<T> {
    /// Whether it is of the one kind that its route knows; another is a dead letter, and logged as such here.
    pub fn is(&self, kind: &str) -> bool {
        let known = self.kind == kind;
        if !known {
            tracing::error!(kind = self.kind, event_id = %self.id, "an event of a kind that is not known here; dropped");
        }
        known
    }
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
