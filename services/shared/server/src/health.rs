//! The probes: `/healthz` says that the process answers, `/readyz` that what it needs answers too.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use sidecar::Sidecar;
use sqlx::PgPool;

#[derive(Clone)]
struct Needs {
    sidecar: Sidecar,
    pool: Option<PgPool>,
}

pub fn routes(sidecar: Sidecar, pool: Option<PgPool>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(Needs { sidecar, pool }))
        .route("/metrics", get(async move || metrics.render()))
}

async fn ready(State(needs): State<Needs>) -> (StatusCode, Json<Value>) {
    let (sidecar, database) = tokio::join!(needs.sidecar.ready(), database_answers(needs.pool.as_ref()));
    let status = if sidecar && database {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "sidecar": sidecar, "database": database })))
}

async fn database_answers(pool: Option<&PgPool>) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let Some(pool) = pool else { return true };
    let ping = sqlx::query("SELECT 1").execute(pool);
    tokio::time::timeout(PATIENCE, ping)
        .await
        .is_ok_and(|answer| answer.is_ok())
}
