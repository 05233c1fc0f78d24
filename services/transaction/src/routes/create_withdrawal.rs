use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{description::printable, idempotent::make, views::TransactionView};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalRequest {
    /// An account of the caller; for an operator, anybody's.
    #[garde(skip)]
    account_id: Uuid,
    #[garde(skip)]
    amount: Money,
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
}

/// Takes money outside. Users may where the sandbox is on, operators always.
#[utoipa::path(post, path = "/withdrawals", tag = "transactions", request_body = WithdrawalRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 403, description = "withdrawal_not_allowed"),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "insufficient_funds, account_frozen, account_closed, currency_mismatch, invalid_amount, \
                                      movement_not_allowed, movement_limit_exceeded, daily_limit_exceeded, \
                                      idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn create_withdrawal(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<WithdrawalRequest>,
) -> problem::Result<Response> {
    let by_operator = user.has_role("operator");
    if !by_operator && !app.config.sandbox_top_up {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "withdrawal_not_allowed",
            "Only operators may take money out here",
        ));
    }
    let hash = RequestHash::of("withdrawal", &request)?;
    let order = Order {
        kind: Kind::Withdrawal,
        initiator: user.id,
        by_operator,
        from: Some(request.account_id),
        to: None,
        amount: request.amount,
        description: request.description,
        about: About::Nothing,
    };
    make(&app, key, hash, order).await
}
