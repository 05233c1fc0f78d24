//! A program in the place of this service: it runs beside a sidecar that the test plays, and requests are handed on to it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::try_unfold;
use serde_json::json;
use sqlx::{ConnectOptions, PgPool};
use testkit::{Issuer, free_ports};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

/// What the run file would set, and the infrastructure would make.
const APP_TOKEN: &str = "from-the-sidecar";
/// Longer than it may wait for its database or its sidecar, so that it is the one who says what is missing.
const START_TIMEOUT: Duration = Duration::from_mins(2);
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

pub fn program() -> Option<PathBuf> {
    let folder = std::env::var_os("PAYME_REPLACEMENTS")?;
    let program = Path::new(&folder).join(activity::APP_ID);
    assert!(program.exists(), "PAYME_REPLACEMENTS has no {}", activity::APP_ID);
    Some(program)
}

struct Replacement {
    program: PathBuf,
    pool: PgPool,
    running: OnceCell<Running>,
}

/// Ends with the test.
struct Running {
    child: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Starts with its first request.
pub fn app(program: PathBuf, pool: PgPool) -> Router {
    let running = OnceCell::new();
    Router::new().fallback(hand_on).with_state(Arc::new(Replacement {
        program,
        pool,
        running,
    }))
}

/// Leaves nothing of a stream but that it began.
pub async fn cut_stream(mut response: Response) -> Response {
    if response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|it| it == "text/event-stream")
    {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn hand_on(State(replacement): State<Arc<Replacement>>, request: Request) -> Response {
    let running = replacement.running.get_or_init(|| replacement.start()).await;
    let (parts, body) = request.into_parts();
    let url = format!("{}{}", running.url, parts.uri);
    let answer = reqwest::Client::new()
        .request(parts.method, url)
        .headers(parts.headers)
        .body(to_bytes(body, usize::MAX).await.unwrap())
        .send()
        .await
        .unwrap();
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    let pieces = try_unfold(answer, async |mut answer| {
        let piece = answer.chunk().await?;
        Ok::<_, reqwest::Error>(piece.map(|piece| (piece, answer)))
    });
    let body = Body::from_stream(pieces);
    response.body(body).unwrap()
}

impl Replacement {
    async fn start(&self) -> Running {
        let sidecar = sidecar().await;
        let port = free_ports(1)[0];
        let mut database = self.pool.connect_options().to_url_lossy();
        // Settings of sqlx, which others do not know.
        database.set_query(None);
        let child = Command::new(&self.program)
            .env("APP_PORT", port.to_string())
            .env("DAPR_HTTP_PORT", sidecar.to_string())
            .env("DAPR_GRPC_PORT", "1")
            .env("DAPR_API_TOKEN", "api")
            .env("APP_API_TOKEN", APP_TOKEN)
            .env("DATABASE_URL", database.as_str())
            .env("LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let mut running = Running { child, url };
        running.is_ready().await;
        running
    }
}

impl Running {
    async fn is_ready(&mut self) {
        let probe = reqwest::Client::builder().timeout(PROBE_TIMEOUT).build().unwrap();
        let url = format!("{}/readyz", self.url);
        let mut last = None;
        let wait = async {
            loop {
                match probe.get(&url).send().await {
                    Ok(answer) if answer.status().is_success() => break,
                    other => last = Some(other),
                }
                if let Some(status) = self.child.try_wait().unwrap() {
                    panic!("it has ended before it was ready: {status}");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(START_TIMEOUT, wait).await.is_ok();
        assert!(in_time, "it does not get ready; last seen: {last:?}");
    }
}

/// What the service needs of its sidecar: health, its own secret, and Token Provider's keys. Nobody has a ledger.
async fn sidecar() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new()
        .route("/v1.0/healthz/outbound", get(async || ()))
        .route(
            "/v1.0/secrets/secretstore/{name}",
            get(async || Json(json!({ "value": "secret" }))),
        )
        .route("/.well-known/jwks.json", get(async || Json(Issuer::new().keys())));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}
