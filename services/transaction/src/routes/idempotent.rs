//! What all requests that move money share: a key, so that asking again is safe.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SubsecRound, Utc};
use problem::Problem;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    AppState, answer,
    domain::{Failure, IdempotencyKey, Order, RequestHash, Transaction},
    settler::Pending,
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
    let transaction = Transaction::accept(Uuid::now_v7(), order, now()).map_err(answer::problem_of)?;

    let mut db = app.pool.acquire().await?;
    if !begin(&mut db, &transaction, &key, hash).await? {
        let earlier = store::earlier(&mut db, user, &key)
            .await?
            .ok_or_else(in_progress)?;
        check_same(&earlier, hash)?;
        return Ok(earlier.answer.ok_or_else(in_progress)?.into_response());
    }
    // The connection goes back before the wait for the ledger.
    drop(db);
    match app.settler.settle(transaction).await {
        Ok(answer) => Ok(answer.into_response()),
        Err(Pending) => Err(outcome_pending()),
    }
}

/// PostgreSQL keeps microseconds; an answer that is read back later has to show the same time.
pub(super) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Writes the transaction under its key. False: the key is in use, and nothing was written.
async fn begin(
    db: &mut PgConnection,
    transaction: &Transaction,
    key: &IdempotencyKey,
    hash: RequestHash,
) -> problem::Result<bool> {
    let Some(refunded) = transaction.order.about.refunded() else {
        return match store::begin(db, transaction, key, hash).await {
            Ok(begun) => Ok(begun),
            Err(error) => Err(already(db, transaction, error).await?),
        };
    };
    let mut tx = db.begin().await?;
    let begun = store::begin(&mut tx, transaction, key, hash).await?;
    if begun && !store::refunds::reserve(&mut tx, refunded, transaction.order.amount.amount_minor.0).await? {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "refund_exceeds_transaction",
            "It is more than what was paid and has not been given back",
        ));
    }
    tx.commit().await?;
    Ok(begun)
}

/// Why a transaction can't be begun of which there can be one only.
async fn already(
    db: &mut PgConnection,
    transaction: &Transaction,
    error: sqlx::Error,
) -> problem::Result<Problem> {
    let database = error.as_database_error();
    let constraint = database.and_then(|error| error.constraint());
    let hold = transaction
        .order
        .about
        .hold()
        .filter(|_| constraint == Some("transactions_one_end_per_hold"));
    let Some(hold) = hold else {
        return Ok(error.into());
    };
    let end = store::holds::end_of(db, hold).await?;
    if end.is_some_and(|end| end.completed_at.is_some()) {
        return Ok(answer::problem_of(Failure::HoldEnded));
    }
    Ok(Problem::new(
        StatusCode::CONFLICT,
        "hold_busy",
        "Another request is about to end this hold",
    )
    .retry_after_s(1))
}

/// The same key has to come with the same request.
pub(super) fn check_same(earlier: &store::Earlier, hash: RequestHash) -> problem::Result<()> {
    if earlier.request_hash == hash.0 {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request",
    ))
}

pub(super) fn outcome_pending() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "outcome_pending",
        "The outcome is not known yet; ask again with the same Idempotency-Key",
    )
    .retry_after_s(3)
}

pub(super) fn in_progress() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still running",
    )
    .retry_after_s(1)
}
