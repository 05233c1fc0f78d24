//! A service's life: listen, wait for the sidecar, serve with bounds, answer probes, drain and stop.

mod chunks;
mod health;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use problem::Problem;
use sidecar::Sidecar;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use telemetry::{TraceContext, in_trace};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, Span};

pub use chunks::forget_in_chunks;

/// No request needs a larger body.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);
const POOL_SIZE: u32 = 10;
/// How long the body of an answer to a sidecar is. A sidecar that dies while it passes one on leaves the one before it with the first part of
/// it and the status of the whole, and one whose service dies makes an empty 200: who reads bodies compares their length with this.
pub const LENGTH: HeaderName = HeaderName::from_static("payme-body-bytes");
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// A connection that was used within this time is taken to be alive: asking it each time costs a round trip for each use.
const ALIVE_FOR: Duration = Duration::from_secs(1);

/// Work beside the requests: it is told to stop after the last request is answered, and waited for.
#[derive(Clone, Default)]
pub struct Background {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    /// Runs `work`, which ends soon after its token is cancelled.
    pub fn spawn<F>(&self, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(work(self.stop.clone()));
    }

    /// Repeats `work` every `period`; what goes wrong is logged, and the next turn tries again.
    pub fn every<F, E>(&self, period: Duration, what: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), E>> + Send,
        E: std::fmt::Display + Send,
    {
        self.spawn(|stop| async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(period))
                .await
                .is_some()
            {
                if let Err(error) = work().await {
                    tracing::warn!(%error, what, "repeated work failed");
                }
            }
        });
    }
}

/// What [`run`] serves.
pub struct Service {
    pub router: Router,
    /// `None` for a service that owns no database.
    pub pool: Option<PgPool>,
    pub sidecar: Sidecar,
    pub background: Background,
}

/// Listens on `APP_PORT` of the loopback interface, or of the address `APP_HOST`: to a pod, probes and the ingress come by its own. The
/// sidecar waits for the port, and we for the sidecar: so the port comes first.
pub async fn listen() -> anyhow::Result<TcpListener> {
    let port = std::env::var("APP_PORT").context("APP_PORT is missing")?;
    let port: u16 = port.parse().context("APP_PORT is no port")?;
    let host = match std::env::var("APP_HOST") {
        Ok(host) => host.parse().context("APP_HOST is no IP address")?,
        Err(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
    };
    let address = SocketAddr::from((host, port));
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} can't be listened on"))
}

/// Connects to `DATABASE_URL` (the password comes from `PGPASSFILE`, as libpq has it) and brings the schema up to date.
pub async fn database(migrations: Migrator) -> anyhow::Result<PgPool> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is missing")?;
    let options: PgConnectOptions = url.parse().context("DATABASE_URL is no PostgreSQL URL")?;
    let options = by_index(options);
    let pool = PgPoolOptions::new()
        .max_connections(POOL_SIZE)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > ALIVE_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    reachable(&pool).await.context("the database can't be reached")?;
    migrate(&pool, migrations)
        .await
        .context("the migrations failed")?;
    Ok(pool)
}

/// Brings the schema up to date. One that a newer version has expanded already is one that this version runs on: so a replica of before
/// can start in the middle of a rollout, and a rollout can be undone.
pub async fn migrate(pool: &PgPool, mut migrations: Migrator) -> Result<(), MigrateError> {
    migrations.set_ignore_missing(true).run(pool).await
}

/// Finds rows by an index wherever there is one. A connection plans a statement once, perhaps while its table is still empty: then
/// reading all of it looks cheapest, and goes on to be done when it is full. What is switched off has a price that would have JIT work.
pub fn by_index(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("enable_seqscan", "off"), ("jit", "off")])
}

/// Waits for a database that starts or recovers from a crash, as for the sidecar.
async fn reachable(pool: &PgPool) -> sqlx::Result<()> {
    let started = Instant::now();
    loop {
        match pool.acquire().await {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > START_TIMEOUT => return Err(error),
            Err(error) => tracing::warn!(%error, "waiting for the database"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Serves until SIGTERM or SIGINT, then answers what is under way, stops the background work and returns.
pub async fn run(listener: TcpListener, service: Service) -> anyhow::Result<()> {
    let metrics = telemetry::metrics()?;
    let probes = health::routes(service.sidecar, service.pool.clone(), metrics);
    let router = bounded(service.router)
        .merge(probes.layer(middleware::from_fn(careful_headers)))
        .layer(middleware::from_fn(telemetry::observe));
    tracing::info!(address = %listener.local_addr()?, "serving");

    let stopping = CancellationToken::new();
    // Handlers may ask where a request comes from.
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let serving = tokio::spawn(serving.into_future());
    stop_signal().await?;
    tracing::info!("draining");
    stopping.cancel();
    let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
        let served = serving.await;
        service.background.stop.cancel();
        service.background.tasks.close();
        service.background.tasks.wait().await;
        served
    });
    if let Ok(served) = drained.await {
        served??;
    } else {
        tracing::warn!("some work was not done when the time to drain ended");
    }
    if let Some(pool) = service.pool {
        pool.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// The bounds and fallbacks that every route has; tests of routes use it too, so that they see what callers see.
pub fn bounded(router: Router) -> Router {
    router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal(&"a handler panicked").into_response()
        }))
        .layer(middleware::from_fn(in_time))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn(careful_headers))
}

/// What every answer says to browsers and caches: this is private data, and what it says it is, and no page, so nothing in
/// it may run, be framed, or be read by other sites. A route that knows better about caching says so itself.
async fn careful_headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (REFERRER_POLICY, "no-referrer"),
        // Browsers heed it where they came by HTTPS only (RFC 6797 §8.1).
        (STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let by_sidecar = request.headers().contains_key("dapr-api-token");
    let mut response = next.run(request).await;
    if let Some(length) = response.body().size_hint().exact().filter(|_| by_sidecar) {
        response.headers_mut().insert(LENGTH, length.into());
    }
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A request that has begun goes on to its end although its client goes away or has waited too long: one that is dropped while it
/// begins a database transaction leaves the connection in it (sqlx 0.9.0 notes a transaction only when BEGIN is answered), and what
/// the next user of that connection writes would be rolled back later. So it is a task of its own.
async fn in_time(request: Request, next: Next) -> Response {
    let work = next.run(request).instrument(Span::current());
    let work = match TraceContext::current() {
        Some(trace) => tokio::spawn(in_trace(trace, work)),
        None => tokio::spawn(work),
    };
    match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(ended)) => Problem::internal(&ended).into_response(),
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The request took too long",
        )
        .retry_after_s(1)
        .into_response(),
    }
}

/// Returns when the service is told to stop. Whoever answers without an end ends then, as it would hold up the drain.
pub async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
