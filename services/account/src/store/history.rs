//! What an account's balance was, and what moved it.

use chrono::{DateTime, Utc};
use money::Minor;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::Line;

/// A point in an account's history: the entry, and the balance right after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// 0: before the first entry.
    pub sequence: i64,
    pub balance: Minor,
}

/// The last entry of an account up to a time.
pub async fn at(db: &mut PgConnection, account: Uuid, time: DateTime<Utc>) -> sqlx::Result<Point> {
    let mut points = all_at(db, &[account], time).await?;
    points.pop().ok_or(sqlx::Error::RowNotFound)
}

/// The last entry of each of these accounts up to a time, in their order. Along an account the times only grow and the
/// sequences have no gap, so halving what is left finds it by the primary key in about 20 steps; an index by time would cost
/// each posting.
pub async fn all_at(
    db: &mut PgConnection,
    accounts: &[Uuid],
    time: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    let rows = sqlx::query!(
        r#"with recursive search (place, account, low, high) as (
             select place, account, 0::bigint, (select coalesce(max(sequence), 0) from entries where account_id = account)
             from unnest($1::uuid[]) with ordinality as wanted (account, place)
             union all
             select place, account, case when in_time then middle else low end, case when in_time then high else middle - 1 end
             from (select place, account, low, high, (low + high + 1) / 2 as middle,
                          (select created_at <= $2 from entries
                           where account_id = account and sequence = (low + high + 1) / 2) as in_time
                   from search where low < high) as half
         )
         select low as "sequence!",
                coalesce((select balance_minor from entries where account_id = account and sequence = low), 0) as "balance_minor!"
         from search where low = high order by place"#,
        accounts,
        time,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Point {
            sequence: row.sequence,
            balance: Minor(row.balance_minor),
        })
        .collect())
}

/// The entries of a user's account between two points, oldest first, each with what its posting says of it.
pub async fn lines(
    db: &mut PgConnection,
    account: Uuid,
    after: Point,
    up_to: Point,
) -> sqlx::Result<Vec<Line>> {
    // What leaves the receiving side of a posting is its fee.
    let rows = sqlx::query!(
        r#"select e.sequence, e.posting_id, e.amount_minor, e.balance_minor, e.created_at,
                  case when is_fee then 'fee' else p.kind end as "kind!",
                  case when e.account_id = p.from_account_id then p.to_account_id
                       when is_fee then p.fee_account_id
                       else p.from_account_id end as counterparty
         from entries e join postings p on p.id = e.posting_id
         cross join lateral (select e.account_id = p.to_account_id and e.amount_minor < 0 as is_fee) as leg
         where e.account_id = $1 and e.sequence > $2 and e.sequence <= $3
         order by e.sequence"#,
        account,
        after.sequence,
        up_to.sequence,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            sequence: row.sequence,
            posting_id: row.posting_id,
            kind: row.kind,
            counterparty: row.counterparty,
            amount: Minor(row.amount_minor),
            balance: Minor(row.balance_minor),
            at: row.created_at,
        })
        .collect())
}
