use axum::{Json, extract::State};
use garde::Validate;
use identity::{Grant, Service};
use money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::account_not_found;
use crate::{AppState, store::accounts};

/// Transaction, for a payment that names a user and no account.
pub(crate) struct Resolver;

impl Grant for Resolver {
    const CALLER: &'static str = "transaction";
    const SCOPE: &'static str = "accounts:resolve";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayeeRequest {
    #[garde(skip)]
    user_id: Uuid,
    #[garde(skip)]
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Payee {
    account_id: Uuid,
}

/// The account in which a user gets transfers of a currency: the default one if it takes them now, else the oldest that
/// does. Nothing is opened for who has none.
#[utoipa::path(post, path = "/internal/payee", tag = "internal", request_body = PayeeRequest,
    security(("service" = ["transaction", "accounts:resolve"])),
    responses((status = 200, body = Payee), (status = 404, description = "account_not_found")))]
pub(crate) async fn resolve_payee(
    State(app): State<AppState>,
    _: Service<Resolver>,
    problem::Json(request): problem::Json<PayeeRequest>,
) -> problem::Result<Json<Payee>> {
    let mut db = app.pool.acquire().await?;
    let account_id = accounts::payee(&mut db, request.user_id, request.currency)
        .await?
        .ok_or_else(account_not_found)?;
    Ok(Json(Payee { account_id }))
}
