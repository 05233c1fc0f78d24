//! A hold is captured or voided by who is to receive the money, or by an operator.

use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{idempotent::make, views::TransactionView};
use crate::{
    AppState,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash, State as Progress, Transaction},
    store,
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureRequest {
    /// All of it by default. What is not captured is released.
    #[garde(skip)]
    amount: Option<Money>,
}

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoidRequest {}

/// Moves what a hold reserves, or a part of it, and releases the rest: a hold is captured once.
#[utoipa::path(post, path = "/holds/{id}/capture", tag = "holds", request_body = CaptureRequest, security(("bearer" = ["user"])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 404, description = "hold_not_found"),
        (status = 409, description = "hold_busy, idempotency_in_progress"),
        (status = 422, description = "hold_ended, hold_expired, capture_exceeds_hold, currency_mismatch, invalid_amount, \
                                      account_frozen, account_closed, balance_overflow, idempotency_key_reused"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn capture_hold(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json(request): Json<CaptureRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("capture", &(id, &request))?;
    let hold = to_end(&app, &user, id).await?;
    let amount = request.amount.unwrap_or(hold.order.amount);
    let order = end(&user, Kind::Capture, hold, amount);
    make(&app, key, hash, order).await
}

/// Releases what a hold reserves.
#[utoipa::path(post, path = "/holds/{id}/void", tag = "holds", request_body = VoidRequest, security(("bearer" = ["user"])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 404, description = "hold_not_found"),
        (status = 409, description = "hold_busy, idempotency_in_progress"),
        (status = 422, description = "hold_ended, idempotency_key_reused"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn void_hold(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json(request): Json<VoidRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("void", &(id, &request))?;
    let hold = to_end(&app, &user, id).await?;
    let amount = hold.order.amount;
    make(&app, key, hash, end(&user, Kind::Void, hold, amount)).await
}

/// A hold that was authorised, if it is this user's to end. Whether it has ended already, the key decides first.
async fn to_end(app: &AppState, user: &User, id: Uuid) -> problem::Result<Transaction> {
    let mut db = app.pool.acquire().await?;
    let found = store::by_ids(&mut db, &[id]).await?.pop();
    found
        .filter(|found| found.order.kind == Kind::Hold)
        .filter(|hold| match hold.state {
            Progress::Completed(done) => done.payee == user.id || user.has_role("operator"),
            Progress::Pending | Progress::Failed(_) => false,
        })
        .ok_or_else(hold_not_found)
}

fn end(user: &User, kind: Kind, hold: Transaction, amount: Money) -> Order {
    let payee = match hold.state {
        Progress::Completed(done) => Some(done.payee),
        Progress::Pending | Progress::Failed(_) => None,
    };
    Order {
        kind,
        initiator: user.id,
        by_operator: payee != Some(user.id),
        from: hold.order.from,
        to: hold.order.to,
        amount,
        description: hold.order.description,
        about: About::Hold(hold.id),
    }
}

/// There is no such hold, or it is somebody else's: the answer does not tell which.
pub(super) fn hold_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "hold_not_found",
        "There is no such hold, or it is not yours to end",
    )
}
