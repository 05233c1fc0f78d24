use axum::{Json, extract::State, http::StatusCode};
use identity::Operator;
use problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AppState, store, verify::Report};

#[derive(Serialize, ToSchema)]
pub(crate) struct VerificationView {
    id: Uuid,
    /// Whether there are no differences.
    sound: bool,
    #[serde(flatten)]
    report: Report,
}

/// The report of the verification that finished last.
#[utoipa::path(get, path = "/admin/ledger/verification", tag = "admin", security(("bearer" = ["operator"])),
    responses((status = 200, body = VerificationView), (status = 404, description = "verification_not_found")))]
pub(crate) async fn show_verification(
    State(app): State<AppState>,
    _: Operator,
) -> problem::Result<Json<VerificationView>> {
    let mut db = app.pool.acquire().await?;
    let stored = store::verifications::newest(&mut db)
        .await?
        .ok_or_else(verification_not_found)?;
    let report: Report = serde_json::from_value(stored.report).map_err(|error| Problem::internal(&error))?;
    Ok(Json(VerificationView {
        id: stored.id,
        sound: report.is_sound(),
        report,
    }))
}

fn verification_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "verification_not_found",
        "The books have not been verified yet",
    )
}
