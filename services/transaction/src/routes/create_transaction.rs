use axum::{extract::State, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{idempotent::make, views::TransactionView};
use crate::{
    AppState,
    domain::{IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
    /// Anybody's account.
    #[garde(skip)]
    to_account_id: Uuid,
    #[garde(skip)]
    amount: Money,
    /// What both parties see in their history.
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "garde passes the context by reference"
)]
pub(super) fn printable(text: &str, (): &()) -> garde::Result {
    if text.chars().any(char::is_control) {
        Err(garde::Error::new("has control characters"))
    } else {
        Ok(())
    }
}

/// Moves money from an account of the caller to another account. Safe to repeat with the same `Idempotency-Key`: the money
/// moves once, and the answer is the first one.
#[utoipa::path(post, path = "/transactions", tag = "transactions", request_body = TransferRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 400, description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "insufficient_funds, account_frozen, account_closed, currency_mismatch, same_account, \
                                      invalid_amount, balance_overflow, idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn create_transaction(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<TransferRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("transfer", &request)?;
    let order = Order {
        kind: Kind::Transfer,
        initiator: user.id,
        by_operator: false,
        from: Some(request.from_account_id),
        to: request.to_account_id,
        amount: request.amount,
        description: request.description,
    };
    make(&app, key, hash, order).await
}
