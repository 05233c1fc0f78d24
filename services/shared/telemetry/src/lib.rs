//! What a service tells about itself: one JSON log line per request, metrics, and the W3C trace context
//! that ties both to the requests and events of other services.
//!
//! Never in a log or a metric: tokens, passwords, names, addresses, amounts, bodies, query strings.

mod trace;

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

pub use trace::{TraceContext, in_trace};

/// Starts JSON logs on standard output. `LOG_LEVEL` is an `EnvFilter` directive list, `info` by default.
pub fn init() {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// Installs the process-wide recorder behind `/metrics`.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    // Seconds, from a cache hit to the longest a request may take.
    const BUCKETS_S: &[f64] = &[
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS_S)?
        .install_recorder()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request in its trace, then writes its one line and its metrics.
///
/// The route is logged as it is declared (`/accounts/{id}`), so no identifier of a person is in it.
pub async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = TraceContext::of(request.headers());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", trace_id = %trace.trace_id(), request_id = %trace.span_id());
    let request_id = trace.span_id().to_owned();

    let mut response = in_trace(trace, next.run(request).instrument(span.clone())).await;

    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let labels = [
        ("method", method.to_string()),
        ("route", route.clone()),
        ("status", status.to_string()),
    ];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    // Probes come every second; they would drown what people look for.
    if !matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        span.in_scope(|| tracing::info!(%method, route, status, duration_ms, "request"));
    }
    response
}
