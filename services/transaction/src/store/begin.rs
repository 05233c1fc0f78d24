//! A request arrives: its key, its hash and its transactions are written together, or an earlier one is found.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Answer;
use crate::domain::{IdempotencyKey, RequestHash, Transaction};

/// A recovery worker leaves a transaction alone for so long: the request itself is still at work.
pub(super) const RECOVER_AFTER_S: f64 = 3.0;

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
                                   amount_minor, currency, description, idempotency_key, created_at, recover_after,
                                   expires_at, hold_id, refunds_id, payment_request_id, addressed_user_id)
         select transaction_id, $5, $1, $6, $7, $8, $9, $10, $11, $2, $12, now() + make_interval(secs => $13),
                $14, $15, $16, $17, $18
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
        order.about.until(),
        order.about.hold(),
        order.about.refunded(),
        order.about.payment_request(),
        order.about.person(),
    )
    .execute(db)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Takes a key for a batch, or for anything else that is no transaction. False: it is in use.
pub async fn take_key(
    db: &mut PgConnection,
    user: Uuid,
    key: &IdempotencyKey,
    hash: RequestHash,
    id: Uuid,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "insert into idempotency_keys (user_id, key, request_hash, transaction_id) values ($1, $2, $3, $4)
         on conflict (user_id, key) do nothing",
        user,
        key.as_str(),
        &hash.0,
        id,
    )
    .execute(db)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// The batch that transactions belong to.
pub struct Batch<'a> {
    pub id: Uuid,
    /// All members are done or none.
    pub atomic: bool,
    /// What the client calls the members, in their order.
    pub keys: &'a [String],
}

/// Writes transactions that have no key of their own: the members of a batch, or one that no request has asked for. What
/// would end a hold a second time is left out; the rest is counted.
pub async fn insert(
    db: &mut PgConnection,
    transactions: &[Transaction],
    batch: Option<Batch<'_>>,
) -> sqlx::Result<u64> {
    let column = |value: fn(&Transaction) -> Option<Uuid>| transactions.iter().map(value).collect::<Vec<_>>();
    let keys: Vec<_> = transactions
        .iter()
        .enumerate()
        .map(|(place, _)| batch.as_ref().and_then(|batch| batch.keys.get(place)).cloned())
        .collect();
    let written = sqlx::query!(
        "insert into transactions (id, kind, initiator_user_id, by_operator, from_account_id, to_account_id, amount_minor,
                                   currency, description, created_at, hold_id, recover_after, batch_id, batch_atomic,
                                   batch_key, batch_position)
         select id, kind, initiator, by_operator, from_id, to_id, amount, currency, description, created_at, hold_id,
                now() + make_interval(secs => $12), $13, $14, batch_key, case when $13::uuid is null then null else place end
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bool[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[],
                     $9::text[], $10::timestamptz[], $11::uuid[], $15::text[]) with ordinality
              as news (id, kind, initiator, by_operator, from_id, to_id, amount, currency, description, created_at, hold_id,
                       batch_key, place)
         on conflict (hold_id) where hold_id is not null and state <> 'failed' do nothing",
        &transactions.iter().map(|new| new.id).collect::<Vec<_>>(),
        &transactions.iter().map(|new| new.order.kind.as_str()).collect::<Vec<_>>() as &[&str],
        &transactions.iter().map(|new| new.order.initiator).collect::<Vec<_>>(),
        &transactions.iter().map(|new| new.order.by_operator).collect::<Vec<_>>(),
        &column(|new| new.order.from) as &[Option<Uuid>],
        &column(|new| new.order.to) as &[Option<Uuid>],
        &transactions.iter().map(|new| new.order.amount.amount_minor.0).collect::<Vec<_>>(),
        &transactions.iter().map(|new| new.order.amount.currency.code()).collect::<Vec<_>>() as &[&str],
        &transactions.iter().map(|new| new.order.description.clone()).collect::<Vec<_>>() as &[Option<String>],
        &transactions.iter().map(|new| new.created_at).collect::<Vec<_>>(),
        &column(|new| new.order.about.hold()) as &[Option<Uuid>],
        RECOVER_AFTER_S,
        batch.as_ref().map(|batch| batch.id),
        batch.as_ref().is_some_and(|batch| batch.atomic),
        &keys as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(written.rows_affected())
}

/// The request that used a key first.
pub struct Earlier {
    pub request_hash: Vec<u8>,
    /// What it has made.
    pub id: Uuid,
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
        "select request_hash, transaction_id, answer_status, answer_body from idempotency_keys
         where user_id = $1 and key = $2",
        user,
        key.as_str(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Earlier {
        request_hash: row.request_hash,
        id: row.transaction_id,
        answer: answer(row.answer_status, row.answer_body),
    }))
}

pub(super) fn answer(status: Option<i16>, body: Option<Vec<u8>>) -> Option<Answer> {
    Some(Answer {
        status: status?.try_into().ok()?,
        body: body?,
    })
}
