//! What all requests that move money share: a key, so that asking again is safe.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{SubsecRound, Utc};
use problem::Problem;
use uuid::Uuid;

use crate::{
    AppState, answer,
    domain::{IdempotencyKey, Order, RequestHash, Transaction},
    store,
};

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> problem::Result<Self> {
        let header = parts.headers.get("idempotency-key").ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_missing",
                "This request needs an Idempotency-Key",
            )
        })?;
        Self::parse(header.as_bytes()).map_err(|invalid| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_invalid",
                "The Idempotency-Key has the wrong form",
            )
            .detail(invalid.to_string())
        })
    }
}

/// Makes the transaction that is ordered, or answers as the first request under this key was answered.
pub(super) async fn make(
    app: &AppState,
    key: IdempotencyKey,
    hash: RequestHash,
    order: Order,
) -> problem::Result<Response> {
    let user = order.initiator;
    // PostgreSQL keeps microseconds; an answer that is read back later has to show the same time.
    let now = Utc::now().trunc_subsecs(6);
    let transaction = Transaction::accept(Uuid::now_v7(), order, now).map_err(answer::problem_of)?;

    let mut db = app.pool.acquire().await?;
    if !store::begin(&mut db, &transaction, &key, hash).await? {
        let earlier = store::earlier(&mut db, user, &key)
            .await?
            .ok_or_else(in_progress)?;
        return again(earlier, hash);
    }
    // The connection goes back before the wait for the ledger.
    drop(db);
    match app.settler.settle(transaction).await {
        Ok(answer) => Ok(answer.into_response()),
        Err(_) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_pending",
            "The outcome is not known yet; ask again with the same Idempotency-Key",
        )
        .retry_after_s(3)),
    }
}

fn again(earlier: store::Earlier, hash: RequestHash) -> problem::Result<Response> {
    if earlier.request_hash != hash.0 {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request",
        ));
    }
    Ok(earlier.answer.ok_or_else(in_progress)?.into_response())
}

fn in_progress() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still running",
    )
    .retry_after_s(1)
}
