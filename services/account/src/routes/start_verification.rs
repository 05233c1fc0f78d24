use axum::{Json, extract::State, http::StatusCode};
use identity::Operator;
use problem::Problem;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AppState, store, verify::Snapshot};

#[derive(Serialize, ToSchema)]
pub(crate) struct VerificationStarted {
    /// What the report will be shown under.
    id: Uuid,
}

/// Starts to check the books as they are now. It may take minutes, so the report is fetched later.
#[utoipa::path(post, path = "/admin/ledger/verification", tag = "admin", security(("bearer" = ["operator"])),
    responses((status = 202, body = VerificationStarted), (status = 409, description = "verification_running")))]
pub(crate) async fn start_verification(
    State(app): State<AppState>,
    Operator(operator): Operator,
) -> problem::Result<(StatusCode, Json<VerificationStarted>)> {
    let snapshot = Snapshot::take(&app.pool)
        .await?
        .ok_or_else(verification_running)?;
    let id = Uuid::now_v7();
    let (pool, requested_by) = (app.pool.clone(), operator.id);
    tokio::spawn(async move {
        // A service that stops does not wait for it.
        match pool
            .close_event()
            .do_until(check(&pool, snapshot, id, requested_by))
            .await
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, %id, "a verification of the books failed"),
            Err(_) => tracing::warn!(%id, "a verification of the books was cut off"),
        }
    });
    Ok((StatusCode::ACCEPTED, Json(VerificationStarted { id })))
}

async fn check(pool: &PgPool, snapshot: Snapshot, id: Uuid, requested_by: Uuid) -> anyhow::Result<()> {
    let report = snapshot.verify(None).await?;
    if report.is_sound() {
        tracing::info!(%id, took_ms = report.took_ms, head = %report.head, "the books are sound");
    } else {
        for difference in &report.differences {
            // Amounts stay in the report.
            tracing::error!(%id, check = %difference.check, place = difference.place, "the books are not sound");
        }
    }
    let mut db = pool.acquire().await?;
    store::verifications::keep(&mut db, id, requested_by, &serde_json::to_value(&report)?).await?;
    Ok(())
}

fn verification_running() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "verification_running",
        "The books are being verified already",
    )
}
