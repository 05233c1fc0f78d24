use axum::{extract::State, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable,
    payee::{To, make_to},
    views::TransactionView,
};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
    /// Anybody's account.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    to_account_id: Option<Uuid>,
    /// In its place: whose account it is.
    #[garde(length(bytes, min = 1, max = 254))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 254)]
    to_username: Option<String>,
    /// Or what the caller calls whose account it is: one of their contacts.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    to_alias: Option<String>,
    #[garde(skip)]
    amount: Money,
    /// What both parties see in their history.
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
}

/// Moves money from an account of the caller to another account, or to a person: by their username, or by the alias that the
/// caller has given them; who is paid by name is a contact from then on. Safe to repeat with the same `Idempotency-Key`: the money
/// moves once, and the answer is the first one.
#[utoipa::path(post, path = "/transactions", tag = "transactions", request_body = TransferRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 400, description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 404, description = "account_not_found, payee_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "insufficient_funds, account_frozen, account_closed, currency_mismatch, same_account, \
                                      movement_not_allowed, movement_limit_exceeded, daily_limit_exceeded, \
                                      invalid_amount, balance_overflow, idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending, payee_unavailable: ask again with the same key"),
    ))]
pub(crate) async fn create_transaction(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<TransferRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("transfer", &request)?;
    let to = To::one_of(
        request.to_account_id,
        request.to_username.as_ref(),
        request.to_alias.as_ref(),
    )?;
    let currency = request.amount.currency;
    make_to(&app, (user.id, key, hash), (to, currency), |payee| Order {
        kind: Kind::Transfer,
        initiator: user.id,
        by_operator: false,
        from: Some(request.from_account_id),
        to: Some(payee.account_id),
        amount: request.amount,
        description: request.description,
        about: payee.user_id.map_or(About::Nothing, About::Person),
    })
    .await
}
