use axum::{extract::State, http::StatusCode, response::Response};
use garde::Validate;
use identity::User;
use money::Money;
use problem::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable, idempotent::make, show_transaction::transaction_not_found, views::TransactionView,
};
use crate::{
    AppState, answer,
    domain::{
        About, Completion, Failure, IdempotencyKey, Kind, Order, RequestHash, State as Progress, Transaction,
    },
    store,
};

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundRequest {
    /// All that was paid by default.
    #[garde(skip)]
    amount: Option<Money>,
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
}

/// Gives back what a transfer or a capture has moved, or a part of it: by who received it, or by an operator. All refunds
/// of a transaction together never exceed it. A fee is not given back.
#[utoipa::path(post, path = "/transactions/{id}/refunds", tag = "transactions", request_body = RefundRequest,
    security(("bearer" = ["user"])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = TransactionView),
        (status = 403, description = "refund_not_allowed"),
        (status = 404, description = "transaction_not_found"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 422, description = "not_refundable, refund_exceeds_transaction, insufficient_funds, account_frozen, \
                                      account_closed, currency_mismatch, invalid_amount, idempotency_key_reused"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn create_refund(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json(request): Json<RefundRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("refund", &(id, &request))?;
    let (paid, done) = to_refund(&app, &user, id).await?;
    let amount = request.amount.unwrap_or(paid.order.amount);
    if amount.currency != paid.order.amount.currency {
        return Err(answer::problem_of(Failure::CurrencyMismatch));
    }
    let order = Order {
        kind: Kind::Refund,
        initiator: user.id,
        by_operator: done.payee != user.id,
        from: paid.order.to,
        to: paid.order.from,
        amount,
        description: request.description,
        about: About::Transaction(id),
    };
    make(&app, key, hash, order).await
}

/// What is to be given back, if this user may give it back.
async fn to_refund(app: &AppState, user: &User, id: Uuid) -> problem::Result<(Transaction, Completion)> {
    let mut db = app.pool.acquire().await?;
    let operator = user.has_role("operator");
    let found = if operator {
        store::by_ids(&mut db, &[id]).await?.pop()
    } else {
        store::find(&mut db, user.id, id).await?
    };
    let paid = found.ok_or_else(transaction_not_found)?;
    let done = match paid.state {
        Progress::Completed(done) if paid.order.kind.is_refundable() => done,
        _ => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "not_refundable",
                "Only a transfer or a capture that was completed can be refunded",
            ));
        }
    };
    if !operator && done.payee != user.id {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "refund_not_allowed",
            "Only who received the money can give it back",
        ));
    }
    Ok((paid, done))
}
