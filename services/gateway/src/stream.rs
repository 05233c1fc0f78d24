//! Passing on an answer that does not end by itself: each piece as it comes, as long as the session is there.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use problem::Result;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::AppState;
use crate::access::{self, Refused};
use crate::answer::{Answer, only, service_unavailable, unreachable, upstream_timeout};
use crate::forward::{Forwarded, path};

const REQUEST_HEADERS: [HeaderName; 2] = [ACCEPT_LANGUAGE, HeaderName::from_static("last-event-id")];
/// As for any other call, until the answer begins.
const BEGINS_IN: Duration = Duration::from_secs(8);
/// Services end their streams with the token, long before this.
const LONGEST: Duration = Duration::from_hours(2);
/// How long the stream of a session may outlast it.
const SESSION_PERIOD: Duration = Duration::from_secs(10);

/// Opens a stream for who calls. A service's refusal is passed on as any other answer.
pub async fn open(app: &AppState, route: &Forwarded, parts: &Parts) -> Result<Response, Refused> {
    let caller = access::caller(app, &parts.method, &parts.headers).await?;
    // Resiliency policies, and with them the time in which a call has to be over, are those of an app's plain id. Under
    // its full name it has none, which is what a stream needs; nothing else is different.
    let service = format!("{}.{}", route.service, app.config.namespace);
    let request = app
        .sidecar
        .request(parts.method.clone(), &service, path(parts))
        .headers(only(&parts.headers, &REQUEST_HEADERS))
        .header(AUTHORIZATION, caller.authorization)
        .timeout(LONGEST);
    let response = timeout(BEGINS_IN, request.send())
        .await
        .map_err(|_| upstream_timeout())?
        .map_err(unreachable)?;
    if !response.status().is_success() {
        return Ok(Answer::read(response).await?.into_response());
    }
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let content_type = content_type.ok_or_else(service_unavailable)?;
    let stream = Stream {
        response,
        app: app.clone(),
        session_id: caller.session_id,
        checked_at: Instant::now(),
    };
    let pieces = unfold(stream, async |mut stream| {
        let piece = stream.next().await?;
        Some((Ok::<_, reqwest::Error>(piece), stream))
    });
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Stream {
    response: reqwest::Response,
    app: AppState,
    session_id: Uuid,
    checked_at: Instant,
}

impl Stream {
    /// None: it ends, since the service or its sidecar, the session or this gateway does. Clients connect again.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let check_at = self.checked_at + SESSION_PERIOD;
            if Instant::now() >= check_at {
                // A store that is down says nothing about the session.
                if self.app.cache.is_ended(self.session_id).await.unwrap_or(false) {
                    return None;
                }
                self.checked_at = Instant::now();
                continue;
            }
            tokio::select! {
                () = self.app.stopping.stopped() => return None,
                piece = timeout_at(check_at, self.response.chunk()) => if let Ok(piece) = piece {
                    return piece.ok().flatten();
                },
            }
        }
    }
}
