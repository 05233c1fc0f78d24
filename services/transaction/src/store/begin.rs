//! A request arrives: its key, its hash and its transaction are written together, or an earlier one is found.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Answer;
use crate::domain::{IdempotencyKey, RequestHash, Transaction};

/// A recovery worker leaves a transaction alone for so long: the request itself is still at work.
const RECOVER_AFTER_S: f64 = 3.0;

/// Writes a new transaction under its key, in one statement. False: the key is in use, and nothing was written.
pub async fn begin(
    db: &mut PgConnection,
    transaction: &Transaction,
    key: &IdempotencyKey,
    hash: RequestHash,
) -> sqlx::Result<bool> {
    let order = &transaction.order;
    let written = sqlx::query!(
        "with new_key as (
             insert into idempotency_keys (user_id, key, request_hash, transaction_id) values ($1, $2, $3, $4)
             on conflict (user_id, key) do nothing returning transaction_id
         )
         insert into transactions (id, kind, initiator_user_id, by_operator, from_account_id, to_account_id,
                                   amount_minor, currency, description, idempotency_key, created_at, recover_after)
         select transaction_id, $5, $1, $6, $7, $8, $9, $10, $11, $2, $12, now() + make_interval(secs => $13)
         from new_key",
        order.initiator,
        key.as_str(),
        &hash.0,
        transaction.id,
        order.kind.as_str(),
        order.by_operator,
        order.from,
        order.to,
        order.amount.amount_minor.0,
        order.amount.currency.code(),
        order.description,
        transaction.created_at,
        RECOVER_AFTER_S,
    )
    .execute(db)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// The request that used a key first.
pub struct Earlier {
    pub request_hash: Vec<u8>,
    /// None: still running.
    pub answer: Option<Answer>,
}

/// What is known under a key.
pub async fn earlier(
    db: &mut PgConnection,
    user: Uuid,
    key: &IdempotencyKey,
) -> sqlx::Result<Option<Earlier>> {
    let row = sqlx::query!(
        "select request_hash, answer_status, answer_body from idempotency_keys where user_id = $1 and key = $2",
        user,
        key.as_str(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Earlier {
        request_hash: row.request_hash,
        answer: answer(row.answer_status, row.answer_body),
    }))
}

pub(super) fn answer(status: Option<i16>, body: Option<Vec<u8>>) -> Option<Answer> {
    Some(Answer {
        status: status?.try_into().ok()?,
        body: body?,
    })
}
