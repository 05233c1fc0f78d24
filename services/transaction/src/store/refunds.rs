//! How much of a transaction is given back. It is reserved before the ledger is asked, so that two that race never give
//! back more than was paid.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::Transaction;

/// Reserves an amount, which is positive, of the transaction `of`. False: it is more than what is left.
pub async fn reserve(db: &mut PgConnection, of: Uuid, amount_minor: i64) -> sqlx::Result<bool> {
    let reserved = sqlx::query!(
        "insert into refunded (transaction_id, amount_minor, refunded_minor)
         select id, amount_minor, $2::bigint from transactions where id = $1 and amount_minor >= $2
         on conflict (transaction_id) do update set refunded_minor = refunded.refunded_minor + excluded.refunded_minor
         where refunded.refunded_minor <= refunded.amount_minor - excluded.refunded_minor",
        of,
        amount_minor,
    )
    .execute(db)
    .await?;
    Ok(reserved.rows_affected() == 1)
}

/// Takes back what refunds had reserved that have failed.
pub async fn release(db: &mut PgConnection, failed: &[&Transaction]) -> sqlx::Result<()> {
    for refund in failed {
        sqlx::query!(
            "update refunded set refunded_minor = refunded_minor - $2 where transaction_id = $1",
            refund.order.about.refunded(),
            refund.order.amount.amount_minor.0,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
