use std::collections::HashSet;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use garde::Validate;
use identity::User;
use money::Money;
use problem::{Json, Problem};
use serde::{Deserialize, Serialize};
use sqlx::Connection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable,
    idempotent::{check_same, in_progress, now, outcome_pending},
    views::TransactionView,
};
use crate::{
    AppState, answer,
    domain::{About, IdempotencyKey, Kind, Order, RequestHash, Transaction},
    store::{self, Answer, Batch},
};

/// A thousand items are larger than any other body.
pub(crate) const BODY_LIMIT_BYTES: usize = 1024 * 1024;
const MOST_ITEMS: usize = 1_000;

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchRequest {
    /// All or none: if one is refused, the others fail with `batch_refused`.
    #[garde(skip)]
    #[serde(default)]
    atomic: bool,
    #[garde(length(min = 1, max = MOST_ITEMS), dive)]
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<BatchItem>,
}

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchItem {
    /// What the client calls it: unique within the batch, and given back with its result.
    #[garde(length(bytes, min = 1, max = 64), ascii, custom(printable))]
    #[schema(min_length = 1, max_length = 64)]
    key: String,
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
    #[garde(skip)]
    to_account_id: Uuid,
    #[garde(skip)]
    amount: Money,
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BatchResponse {
    batch_id: Uuid,
    /// One for each item, in the same order.
    results: Vec<BatchResult>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BatchResult {
    key: String,
    /// Completed or failed; `failure_code` says why.
    transaction: TransactionView,
}

/// Up to 1,000 transfers in one request, under one `Idempotency-Key`. Each is answered by itself; on request all are done
/// or none. A batch with an item that can't be right whatever the accounts are like is refused as a whole, and nothing is
/// recorded.
#[utoipa::path(post, path = "/transactions/batch", tag = "transactions", request_body = BatchRequest, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 200, body = BatchResponse),
        (status = 400, description = "idempotency_key_missing, idempotency_key_invalid"),
        (status = 409, description = "idempotency_in_progress"),
        (status = 413, description = "body_too_large: 1 MiB"),
        (status = 422, description = "duplicate_item, same_account, invalid_amount, idempotency_key_reused, invalid_request"),
        (status = 503, description = "outcome_pending: ask again with the same key"),
    ))]
pub(crate) async fn create_batch(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<BatchRequest>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("batch", &request)?;
    let transactions = accept(&user, &request.items)?;
    let keys: Vec<_> = request.items.into_iter().map(|item| item.key).collect();
    let batch = Batch {
        id: Uuid::now_v7(),
        atomic: request.atomic,
        keys: &keys,
    };
    let batch_id = batch.id;

    let mut db = app.pool.acquire().await?;
    let mut tx = db.begin().await?;
    if !store::take_key(&mut tx, user.id, &key, hash, batch_id).await? {
        drop(tx);
        let earlier = store::earlier(&mut db, user.id, &key)
            .await?
            .ok_or_else(in_progress)?;
        check_same(&earlier, hash)?;
        let answer = match earlier.answer {
            Some(answer) => answer,
            None => conclude(&app, user.id, earlier.id)
                .await?
                .ok_or_else(in_progress)?,
        };
        return Ok(answer.into_response());
    }
    store::insert(&mut tx, &transactions, Some(batch)).await?;
    tx.commit().await?;
    drop(db);
    if request.atomic {
        app.settler.settle_all_or_none(transactions).await;
    } else {
        app.settler.settle_each(transactions).await;
    }
    let answer = conclude(&app, user.id, batch_id).await?;
    Ok(answer.ok_or_else(outcome_pending)?.into_response())
}

/// The items as transactions, unless one can't be right or comes twice.
fn accept(user: &User, items: &[BatchItem]) -> problem::Result<Vec<Transaction>> {
    let mut seen = HashSet::new();
    let now = now();
    let accept = |(place, item): (usize, &'_ BatchItem)| {
        let order = Order {
            kind: Kind::Transfer,
            initiator: user.id,
            by_operator: false,
            from: Some(item.from_account_id),
            to: Some(item.to_account_id),
            amount: item.amount,
            description: item.description.clone(),
            about: About::Nothing,
        };
        Transaction::accept(Uuid::now_v7(), order, now)
            .map_err(|failure| answer::problem_of(failure).detail(format!("items[{place}]")))
    };
    for (place, item) in items.iter().enumerate() {
        if !seen.insert(&item.key) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "duplicate_item",
                "Two items of the batch have the same key",
            )
            .detail(format!("items[{place}]")));
        }
    }
    items.iter().enumerate().map(accept).collect()
}

/// The answer to a batch whose members have all come to their end, which is kept. None: some are pending.
async fn conclude(app: &AppState, user: Uuid, batch_id: Uuid) -> problem::Result<Option<Answer>> {
    let mut db = app.pool.acquire().await?;
    let members = store::batches::members(&mut db, batch_id).await?;
    if members.is_empty() || members.iter().any(|member| !member.transaction.is_final()) {
        return Ok(None);
    }
    let results = members
        .into_iter()
        .map(|member| BatchResult {
            key: member.key,
            transaction: TransactionView::of(member.transaction, user),
        })
        .collect();
    let body = serde_json::to_vec(&BatchResponse { batch_id, results })?;
    let answer = Answer {
        status: StatusCode::OK.as_u16(),
        body,
    };
    store::batches::answer(&mut db, user, batch_id, &answer).await?;
    Ok(Some(answer))
}
