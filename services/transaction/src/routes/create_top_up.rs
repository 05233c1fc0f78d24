use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{idempotent::make, views::TransactionView};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopUpRequest {
    /// An account of the caller; for an operator, anybody's.
    #[garde(skip)]
    account_id: Uuid,
    #[garde(skip)]
    amount: Money,
}

/// Brings money in from outside. Users may where the sandbox is on, operators always.
#[utoipa::path(post, path = "/top-ups", tag = "transactions", request_body = TopUpRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 403, description = "top_up_not_allowed"),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "account_frozen, account_closed, currency_mismatch, invalid_amount, balance_overflow, \
                                      idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn create_top_up(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<TopUpRequest>,
) -> problem::Result<Response> {
    let by_operator = user.has_role("operator");
    if !by_operator && !app.config.sandbox_top_up {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "top_up_not_allowed",
            "Only operators may top up here",
        ));
    }
    let hash = RequestHash::of("top_up", &request)?;
    let order = Order {
        kind: Kind::TopUp,
        initiator: user.id,
        by_operator,
        from: None,
        to: Some(request.account_id),
        amount: request.amount,
        description: None,
        about: About::Nothing,
    };
    make(&app, key, hash, order).await
}
