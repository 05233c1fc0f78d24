use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::User;
use money::{Currency, Minor};
use problem::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::views::account_not_found;
use crate::{
    AppState,
    store::{accounts, history},
};

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalanceQuery {
    /// RFC 3339, such as `2026-11-30T23:59:59Z`; now by default.
    #[garde(skip)]
    at: Option<DateTime<Utc>>,
}

/// The balance of an account at a point in time.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceView {
    account_id: Uuid,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    at: DateTime<Utc>,
    /// Right after the last entry up to then; 0 before the first.
    balance_minor: Minor,
    /// That of this entry; 0 before the first.
    sequence: i64,
}

/// The balance of an account of the caller at a point in time. What is on its way while that time passes may show later.
#[utoipa::path(get, path = "/accounts/{id}/balance", tag = "accounts", params(("id" = Uuid, Path), BalanceQuery),
    security(("bearer" = ["user"])),
    responses((status = 200, body = BalanceView), (status = 404, description = "account_not_found")))]
pub(crate) async fn show_balance(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    Query(query): Query<BalanceQuery>,
) -> problem::Result<Json<BalanceView>> {
    let mut db = app.pool.acquire().await?;
    let account = accounts::find(&mut db, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    let at = query.at.unwrap_or_else(Utc::now);
    let point = history::at(&mut db, id, at).await?;
    Ok(Json(BalanceView {
        account_id: id,
        currency: account.currency,
        at,
        balance_minor: point.balance,
        sequence: point.sequence,
    }))
}
