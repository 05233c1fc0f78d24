use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use garde::Validate;
use identity::User;
use money::Money;
use problem::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable,
    idempotent::now,
    payee::{To, make_to},
    views::TransactionView,
};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest {
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
    /// Whose owner may capture it.
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
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
    /// How long it lasts, in seconds: a week by default, 30 days at most.
    #[garde(range(min = 1, max = 2_592_000))]
    #[serde(default = "a_week")]
    #[schema(minimum = 1, maximum = 2_592_000, default = 604_800)]
    expires_in_s: u32,
}

fn a_week() -> u32 {
    604_800
}

/// Reserves an amount on an account of the caller for another user, who captures it, or a part of it, or voids it. It
/// expires by itself. The answer's id is that of the hold.
#[utoipa::path(post, path = "/holds", tag = "holds", request_body = HoldRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 404, description = "account_not_found, payee_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "insufficient_funds, account_frozen, account_closed, currency_mismatch, same_account, \
                                      movement_not_allowed, movement_limit_exceeded, daily_limit_exceeded, invalid_amount, \
                                      idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending, payee_unavailable: ask again with the same key"),
    ))]
pub(crate) async fn create_hold(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<HoldRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("hold", &request)?;
    let to = To::one_of(
        request.to_account_id,
        request.to_username.as_ref(),
        request.to_alias.as_ref(),
    )?;
    let currency = request.amount.currency;
    make_to(&app, (user.id, key, hash), (to, currency), |payee| Order {
        kind: Kind::Hold,
        initiator: user.id,
        by_operator: false,
        from: Some(request.from_account_id),
        to: Some(payee.account_id),
        amount: request.amount,
        description: request.description,
        about: About::Until(now() + TimeDelta::seconds(request.expires_in_s.into())),
    })
    .await
}
