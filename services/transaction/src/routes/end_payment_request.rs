//! A payment request that is not paid is declined by who was to pay, or cancelled by who has asked.

use axum::{Json, extract::State};
use identity::User;
use problem::Path;
use uuid::Uuid;

use super::{
    idempotent::{not_open, now},
    show_payment_request::{PaymentRequestView, find},
};
use crate::{
    AppState,
    domain::{PaymentRequest, RequestState},
    events::payment_request_changed,
    store,
};

/// Says no. A repeat changes nothing.
#[utoipa::path(post, path = "/payment-requests/{id}/decline", tag = "payment requests", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses(
        (status = 200, body = PaymentRequestView),
        (status = 404, description = "payment_request_not_found"),
        (status = 409, description = "payment_request_busy"),
        (status = 422, description = "payment_request_not_open"),
    ))]
pub(crate) async fn decline_payment_request(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<PaymentRequestView>> {
    end(&app, id, RequestState::Declined, |request| {
        request.payer.user_id == user.id
    })
    .await
}

/// Takes it back. A repeat changes nothing.
#[utoipa::path(post, path = "/payment-requests/{id}/cancel", tag = "payment requests", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses(
        (status = 200, body = PaymentRequestView),
        (status = 404, description = "payment_request_not_found"),
        (status = 409, description = "payment_request_busy"),
        (status = 422, description = "payment_request_not_open"),
    ))]
pub(crate) async fn cancel_payment_request(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<PaymentRequestView>> {
    end(&app, id, RequestState::Cancelled, |request| {
        request.requester.user_id == user.id
    })
    .await
}

async fn end(
    app: &AppState,
    id: Uuid,
    state: RequestState,
    may: impl Fn(&PaymentRequest) -> bool,
) -> problem::Result<Json<PaymentRequestView>> {
    let mut tx = app.pool.begin().await?;
    find(&mut tx, id, &may).await?;
    let ended = store::payment_requests::end(&mut tx, id, state, now()).await?;
    let request = find(&mut tx, id, &may).await?;
    if !ended && request.state != state {
        return Err(not_open(&mut tx, id).await?);
    }
    if ended {
        outbox::enqueue(&mut tx, &payment_request_changed(&request)?).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    Ok(Json(PaymentRequestView::of(request)))
}
