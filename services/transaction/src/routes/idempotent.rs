//! What all requests that move money share: a key, so that asking again is safe.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SubsecRound, Utc};
use problem::Problem;
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    AppState, answer,
    domain::{Failure, IdempotencyKey, Order, RequestHash, RequestState, Transaction},
    settler::Pending,
    store::{self, Answer},
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

/// The answer to an earlier request under this key: before anything is looked up that may have changed since.
pub(super) async fn answered(
    app: &AppState,
    user: Uuid,
    key: &IdempotencyKey,
    hash: RequestHash,
) -> problem::Result<Option<Response>> {
    let mut db = app.pool.acquire().await?;
    let Some(earlier) = store::earlier(&mut db, user, key).await? else {
        return Ok(None);
    };
    check_same(&earlier, hash)?;
    Ok(Some(earlier.answer.ok_or_else(in_progress)?.into_response()))
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
    let about = transaction.order.about;
    if about.refunded().is_none() && about.payment_request().is_none() {
        return match store::begin(db, transaction, key, hash).await {
            Ok(begun) => Ok(begun),
            Err(error) => Err(already(db, transaction, error).await?),
        };
    }
    let mut tx = db.begin().await?;
    let begun = match store::begin(&mut tx, transaction, key, hash).await {
        Ok(begun) => begun,
        Err(error) => {
            tx.rollback().await?;
            return Err(already(db, transaction, error).await?);
        }
    };
    if begun {
        reserve(&mut tx, transaction).await?;
    }
    tx.commit().await?;
    Ok(begun)
}

/// Reserves what the transaction needs of what it is about.
async fn reserve(db: &mut PgConnection, transaction: &Transaction) -> problem::Result<()> {
    let order = &transaction.order;
    if let Some(refunded) = order.about.refunded()
        && !store::refunds::reserve(db, refunded, order.amount.amount_minor.0).await?
    {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "refund_exceeds_transaction",
            "It is more than what was paid and has not been given back",
        ));
    }
    if let Some(request) = order.about.payment_request()
        && !store::payment_requests::reserve(db, request, transaction.id).await?
    {
        return Err(not_open(db, request).await?);
    }
    Ok(())
}

/// Why a payment request can't be paid, declined or cancelled.
pub(super) async fn not_open(db: &mut PgConnection, id: Uuid) -> problem::Result<Problem> {
    let request = store::payment_requests::find(db, id).await?;
    // Open, but a payment has it: or had it a moment ago, so asking again is right anyway.
    if request.is_some_and(|request| request.state == RequestState::Open) {
        return Ok(Problem::new(
            StatusCode::CONFLICT,
            "payment_request_busy",
            "A payment of this request is under way",
        )
        .retry_after_s(1));
    }
    Ok(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "payment_request_not_open",
        "The payment request was paid, declined, cancelled or has expired",
    ))
}

/// Takes a key for what is no transaction, in the commit that makes it. The answer, if it was made before.
pub(super) async fn made_before(
    db: &mut PgConnection,
    user: Uuid,
    key: &IdempotencyKey,
    hash: RequestHash,
    id: Uuid,
) -> problem::Result<Option<Response>> {
    if store::take_key(db, user, key, hash, id).await? {
        return Ok(None);
    }
    let earlier = store::earlier(db, user, key).await?.ok_or_else(in_progress)?;
    check_same(&earlier, hash)?;
    Ok(Some(earlier.answer.ok_or_else(in_progress)?.into_response()))
}

/// `201` with what was made, which is kept under the key that [`made_before`] has taken.
pub(super) async fn made(
    db: &mut PgConnection,
    user: Uuid,
    id: Uuid,
    view: &impl Serialize,
) -> problem::Result<Response> {
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        body: serde_json::to_vec(view)?,
    };
    store::batches::answer(db, user, id, &answer).await?;
    Ok(answer.into_response())
}

/// Why a transaction can't be begun of which there can be one only.
async fn already(
    db: &mut PgConnection,
    transaction: &Transaction,
    error: sqlx::Error,
) -> problem::Result<Problem> {
    let database = error.as_database_error();
    let constraint = database.and_then(|error| error.constraint());
    if constraint == Some("transactions_one_per_request")
        && let Some(request) = transaction.order.about.payment_request()
    {
        return not_open(db, request).await;
    }
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
