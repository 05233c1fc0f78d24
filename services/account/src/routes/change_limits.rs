use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use identity::Operator;
use money::Minor;
use problem::{Path, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    merge_patch::given,
    views::{AnyAccountView, account_closed, account_not_found},
};
use crate::{
    AppState,
    domain::Status,
    store::accounts::{self, Limits, OwnAccount},
};

/// Far inside the range of the type, so that balance minus held stays in it too.
const LARGEST: i64 = 1_000_000_000_000_000_000;

/// What is left out stays as it is; `null` lifts a maximum (RFC 7396).
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeLimitsRequest {
    /// The lowest that balance minus held may become; negative: an overdraft.
    #[garde(inner(range(min = -LARGEST, max = LARGEST)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = i64, required = false)]
    limit_minor: Option<i64>,
    /// The most that one movement may take out.
    #[garde(inner(inner(range(min = 1, max = LARGEST))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 1)]
    max_per_movement_minor: Option<Option<i64>>,
    /// The most that all movements of a day (UTC) may take out together.
    #[garde(inner(inner(range(min = 1, max = LARGEST))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 1)]
    max_per_day_minor: Option<Option<i64>>,
}

/// Changes the limits of an account of any user. They hold from the next movement on.
#[utoipa::path(patch, path = "/admin/accounts/{id}/limits", tag = "admin", params(("id" = Uuid, Path)),
    request_body = ChangeLimitsRequest, security(("bearer" = ["operator"])),
    responses((status = 200, body = AnyAccountView), (status = 404, description = "account_not_found"),
        (status = 409, description = "limit_not_met, account_closed")))]
pub(crate) async fn change_limits(
    State(app): State<AppState>,
    operator: Operator,
    Path(id): Path<Uuid>,
    problem::Json(request): problem::Json<ChangeLimitsRequest>,
) -> problem::Result<Json<AnyAccountView>> {
    let mut tx = app.pool.begin().await?;
    let account = accounts::lock_anybodys(&mut tx, id)
        .await?
        .ok_or_else(account_not_found)?;
    if account.status == Status::Closed {
        return Err(account_closed());
    }
    let limits = request.applied_to(account.limits);
    if limits.limit > account.available() {
        return Err(limit_not_met());
    }
    accounts::set_limits(&mut tx, id, limits).await?;
    tx.commit().await?;
    tracing::info!(operator = %operator.0.id, account_id = %id, "an operator changed an account's limits");
    Ok(Json(OwnAccount { limits, ..account }.into()))
}

impl ChangeLimitsRequest {
    fn applied_to(&self, before: Limits) -> Limits {
        let changed = |given: Option<Option<i64>>, before| given.map_or(before, |most| most.map(Minor));
        Limits {
            limit: self.limit_minor.map_or(before.limit, Minor),
            max_per_movement: changed(self.max_per_movement_minor, before.max_per_movement),
            max_per_day: changed(self.max_per_day_minor, before.max_per_day),
        }
    }
}

fn limit_not_met() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "limit_not_met",
        "The account has less available than this limit",
    )
}
