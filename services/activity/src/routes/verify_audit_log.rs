use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chain::Head;
use garde::Validate;
use identity::Operator;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::AppState;
use crate::verify::{Difference, Part, verify};

/// Shorter than a call between services may take.
const BUDGET: Duration = Duration::from_secs(4);

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct VerificationQuery {
    /// A head that was kept earlier, `NUMBER:HASH`. It has to be in the chain; what comes after it is verified.
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct LogVerification {
    /// Whether no difference was found in what was verified.
    sound: bool,
    /// Whether the end of the chain was reached. If not, go on with `head` as `after`.
    complete: bool,
    /// The last seal that is as it should be. Keep it elsewhere: later it tells if the log was rewritten.
    #[schema(example = "1:f0d7cd94b6a0153c371747ec68abaa6d382ea2bc5a3a2497540a930a38247ce6")]
    head: String,
    /// How many seals were verified.
    seals: u64,
    /// Lines that no seal covers yet. Null: the end of the chain was not reached.
    unsealed: Option<i64>,
    difference: Option<Difference>,
}

/// Recomputes the chain over the audit log, as far as a few seconds allow, and names the first difference.
#[utoipa::path(get, path = "/admin/audit/log/verification", tag = "admin", params(VerificationQuery),
    security(("bearer" = ["operator"])),
    responses((status = 200, body = LogVerification), (status = 409, description = "verification_running")))]
pub async fn verify_audit_log(
    State(app): State<AppState>,
    _: Operator,
    problem::Query(query): problem::Query<VerificationQuery>,
) -> Result<Json<LogVerification>> {
    let kept = query.after.map(|after| after.parse::<Head>()).transpose();
    let part = Part {
        kept: kept.map_err(|error| invalid_query().detail(error.to_string()))?,
        only_after_kept: true,
        budget: Some(BUDGET),
    };
    let report = verify(&app.pool, part).await?.ok_or_else(verification_running)?;
    if let Some(difference) = &report.difference {
        tracing::error!(
            place = difference.place,
            found = difference.found,
            "the audit log is not sound"
        );
    }
    Ok(Json(LogVerification {
        sound: report.is_sound(),
        complete: report.unsealed.is_some(),
        head: report.head.to_string(),
        seals: report.seals,
        unsealed: report.unsealed,
        difference: report.difference,
    }))
}

fn invalid_query() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_query",
        "A query parameter has the wrong form",
    )
}

fn verification_running() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "verification_running",
        "The audit log is being verified already",
    )
}
