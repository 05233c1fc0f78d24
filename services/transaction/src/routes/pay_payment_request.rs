use axum::{extract::State, response::Response};
use garde::Validate;
use identity::User;
use problem::{Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{idempotent::make, show_payment_request::find, views::TransactionView};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash},
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentRequestPayment {
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
}

/// Pays what the caller was asked for, by one transfer, however many try at the same time. A payment that was begun in time
/// counts, also where its outcome comes later.
#[utoipa::path(post, path = "/payment-requests/{id}/pay", tag = "payment requests", request_body = PaymentRequestPayment,
    security(("bearer" = ["user"])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 404, description = "payment_request_not_found, account_not_found"),
        (status = 409, description = "payment_request_busy, idempotency_in_progress"),
        (status = 422, description = "payment_request_not_open, insufficient_funds, account_frozen, account_closed, \
                                      currency_mismatch, same_account, movement_not_allowed, movement_limit_exceeded, \
                                      daily_limit_exceeded, balance_overflow, idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn pay_payment_request(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json(payment): Json<PaymentRequestPayment>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("pay_payment_request", &(id, &payment))?;
    let mut db = app.pool.acquire().await?;
    let request = find(&mut db, id, |request| request.payer.user_id == user.id).await?;
    drop(db);
    let order = Order {
        kind: Kind::Transfer,
        initiator: user.id,
        by_operator: false,
        from: Some(payment.from_account_id),
        to: Some(request.to),
        amount: request.amount,
        description: request.note,
        // Whether it is still open, the key decides first.
        about: About::PaymentRequest(id),
    };
    make(&app, key, hash, order).await
}
