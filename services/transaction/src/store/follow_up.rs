//! What the end of a transaction changes beside it, in the same commit. Most have none of it and cost nothing here.

use sqlx::PgConnection;

use super::{Answered, contacts, holds, payment_requests, refunds};
use crate::domain::{Kind, State, Transaction};

pub async fn follow_up(db: &mut PgConnection, ended: &[Answered]) -> sqlx::Result<()> {
    let with = |done: bool, is: fn(&Transaction) -> bool| {
        let transactions = ended.iter().map(|ended| &ended.transaction);
        transactions
            .filter(|transaction| matches!(transaction.state, State::Completed(_)) == done)
            .filter(|transaction| is(transaction))
            .collect::<Vec<_>>()
    };
    let authorized = with(true, |transaction| transaction.order.kind == Kind::Hold);
    if !authorized.is_empty() {
        holds::open(db, &authorized).await?;
    }
    let ends = with(true, |transaction| transaction.order.about.hold().is_some());
    if !ends.is_empty() {
        let ids: Vec<_> = ends.iter().filter_map(|end| end.order.about.hold()).collect();
        holds::close(db, &ids).await?;
    }
    let by_name = with(true, |transaction| transaction.order.about.person().is_some());
    if !by_name.is_empty() {
        contacts::note_paid(db, &by_name).await?;
    }
    let pays = |transaction: &Transaction| transaction.order.about.payment_request().is_some();
    payment_requests::paid(db, &with(true, pays)).await?;
    payment_requests::release(db, &with(false, pays)).await?;
    let failed = with(false, |transaction| transaction.order.kind == Kind::Refund);
    refunds::release(db, &failed).await
}
