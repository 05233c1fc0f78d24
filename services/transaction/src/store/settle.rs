//! The ledger has answered: the final state and the stored answer of many transactions, written together.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Answer, begin::answer};
use crate::{
    domain::{State, Transaction},
    ledger::Entry,
};

/// A transaction in its final state, with the answer that its client gets, and what has moved.
pub struct Answered {
    pub transaction: Transaction,
    pub answer: Answer,
    pub entries: Vec<Entry>,
}

/// Writes final states and answers of those that are still pending, and says which these were: a recovery worker and the
/// request itself may both come here with the same transaction. A member of a batch is answered with its batch.
pub async fn settle(db: &mut PgConnection, answered: &[Answered]) -> sqlx::Result<Vec<Uuid>> {
    let columns = Columns::of(answered);
    sqlx::query_scalar!(
        r#"with news as (
             select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::smallint[], $7::bytea[],
                                  $8::uuid[], $9::bigint[])
               as news (id, state, to_user_id, completed_at, failure_code, answer_status, answer_body, payer_user_id, fee_minor)
         ), settled as (
             update transactions t
             set state = news.state, to_user_id = news.to_user_id, completed_at = news.completed_at,
                 failure_code = news.failure_code, payer_user_id = news.payer_user_id, fee_minor = news.fee_minor
             from news where t.id = news.id and t.state = 'pending'
             returning t.id, t.initiator_user_id, t.idempotency_key, news.answer_status, news.answer_body
         ), told as (
             update idempotency_keys k
             set answer_status = settled.answer_status, answer_body = settled.answer_body
             from settled where k.user_id = settled.initiator_user_id and k.key = settled.idempotency_key
         )
         select id as "id!" from settled"#,
        &columns.id,
        &columns.state as &[&str],
        &columns.to_user_id as &[Option<Uuid>],
        &columns.completed_at as &[Option<chrono::DateTime<chrono::Utc>>],
        &columns.failure_code as &[Option<&str>],
        &columns.answer_status,
        &columns.answer_body as &[&[u8]],
        &columns.payer_user_id as &[Option<Uuid>],
        &columns.fee_minor as &[Option<i64>],
    )
    .fetch_all(db)
    .await
}

/// The stored answers of transactions, as far as there are any.
pub async fn answers(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Answer>> {
    let rows = sqlx::query!(
        "select t.id, k.answer_status, k.answer_body from transactions t
         join idempotency_keys k on k.user_id = t.initiator_user_id and k.key = t.idempotency_key
         where t.id = any($1)",
        ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.id, answer(row.answer_status, row.answer_body)?)))
        .collect())
}

/// A vector per column, as UNNEST wants them.
#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    state: Vec<&'static str>,
    to_user_id: Vec<Option<Uuid>>,
    completed_at: Vec<Option<chrono::DateTime<chrono::Utc>>>,
    failure_code: Vec<Option<&'static str>>,
    answer_status: Vec<i16>,
    answer_body: Vec<&'a [u8]>,
    payer_user_id: Vec<Option<Uuid>>,
    fee_minor: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    fn of(answered: &'a [Answered]) -> Self {
        let mut columns = Self::default();
        for Answered {
            transaction, answer, ..
        } in answered
        {
            let (done, failure) = match transaction.state {
                State::Pending => continue,
                State::Completed(done) => (Some(done), None),
                State::Failed(failure) => (None, Some(failure.code())),
            };
            let payer = done.and_then(|done| done.payer);
            columns.id.push(transaction.id);
            columns.state.push(transaction.state.as_str());
            columns.to_user_id.push(done.map(|done| done.payee));
            columns.completed_at.push(done.map(|done| done.at));
            columns.failure_code.push(failure);
            columns.answer_status.push(answer.status.cast_signed());
            columns.answer_body.push(&answer.body);
            columns
                .payer_user_id
                .push(payer.filter(|payer| *payer != transaction.order.initiator));
            columns
                .fee_minor
                .push(done.and_then(|done| done.fee).map(|fee| fee.0));
        }
        columns
    }
}
