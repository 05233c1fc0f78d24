//! Batches: many transactions under one key.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Answer, read};
use crate::domain::Transaction;

/// A transaction, and what the client calls it within its batch.
pub struct Member {
    pub key: String,
    pub transaction: Transaction,
}

/// The members of a batch in their order.
pub async fn members(db: &mut PgConnection, batch_id: Uuid) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select id, batch_key as "batch_key!" from transactions where batch_id = $1 order by batch_position"#,
        batch_id
    )
    .fetch_all(&mut *db)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let transactions = read::by_ids(db, &ids).await?;
    let mut transactions: HashMap<_, _> = transactions
        .into_iter()
        .map(|transaction| (transaction.id, transaction))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Member {
                transaction: transactions.remove(&row.id)?,
                key: row.batch_key,
            })
        })
        .collect())
}

/// Of these transactions those that belong to batches in which all are done or none, by their batch.
pub async fn atomic_batches(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Uuid>> {
    let rows = sqlx::query!(
        r#"select id, batch_id as "batch_id!" from transactions where id = any($1) and batch_atomic"#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.batch_id)).collect())
}

/// Keeps the answer to a batch, or to anything else that has a key and is no transaction, unless there is one.
pub async fn answer(db: &mut PgConnection, user: Uuid, id: Uuid, answer: &Answer) -> sqlx::Result<()> {
    sqlx::query!(
        "update idempotency_keys set answer_status = $3, answer_body = $4
         where user_id = $1 and transaction_id = $2 and answer_status is null",
        user,
        id,
        answer.status.cast_signed(),
        answer.body,
    )
    .execute(db)
    .await?;
    Ok(())
}
