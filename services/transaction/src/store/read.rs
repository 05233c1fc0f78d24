//! Transactions as they are read back: by their parties, and by the recovery worker.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{About, Completion, Failure, Kind, Order, State, Transaction};

/// A transaction, if this user is one of its parties. The payee becomes one when it is completed.
pub async fn find(db: &mut PgConnection, user: Uuid, id: Uuid) -> sqlx::Result<Option<Transaction>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id!", kind as "kind!", state as "state!", initiator_user_id as "initiator_user_id!",
                  by_operator as "by_operator!", from_account_id, to_account_id, payer_user_id, to_user_id,
                  amount_minor as "amount_minor!", currency as "currency!", description, failure_code, fee_minor,
                  expires_at, hold_id, refunds_id, payment_request_id, addressed_user_id,
                  created_at as "created_at!", completed_at
           from transactions where id = $1 and (initiator_user_id = $2 or to_user_id = $2 or payer_user_id = $2)"#,
        id,
        user,
    )
    .fetch_optional(db)
    .await?;
    row.map(Transaction::try_from).transpose()
}

/// Transactions by their ids, whoever's they are.
pub async fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Transaction>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", kind as "kind!", state as "state!", initiator_user_id as "initiator_user_id!",
                  by_operator as "by_operator!", from_account_id, to_account_id, payer_user_id, to_user_id,
                  amount_minor as "amount_minor!", currency as "currency!", description, failure_code, fee_minor,
                  expires_at, hold_id, refunds_id, payment_request_id, addressed_user_id,
                  created_at as "created_at!", completed_at
           from transactions where id = any($1)"#,
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Transaction::try_from).collect()
}

/// Takes pending transactions that nobody is driving, for `lease_s` seconds: other workers pass over them for so long, and
/// find them again if this one dies.
pub async fn take_pending(db: &mut PgConnection, limit: i64, lease_s: f64) -> sqlx::Result<Vec<Transaction>> {
    let rows = sqlx::query_as!(
        Row,
        r#"update transactions set recover_after = now() + make_interval(secs => $2)
           where id in (
               select id from transactions where state = 'pending' and recover_after <= now()
               order by recover_after limit $1 for update skip locked
           )
           returning id as "id!", kind as "kind!", state as "state!", initiator_user_id as "initiator_user_id!",
                  by_operator as "by_operator!", from_account_id, to_account_id, payer_user_id, to_user_id,
                  amount_minor as "amount_minor!", currency as "currency!", description, failure_code, fee_minor,
                  expires_at, hold_id, refunds_id, payment_request_id, addressed_user_id,
                  created_at as "created_at!", completed_at"#,
        limit,
        lease_s,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Transaction::try_from).collect()
}

/// A row of `transactions`.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    kind: String,
    state: String,
    initiator_user_id: Uuid,
    by_operator: bool,
    from_account_id: Option<Uuid>,
    to_account_id: Option<Uuid>,
    payer_user_id: Option<Uuid>,
    to_user_id: Option<Uuid>,
    amount_minor: i64,
    currency: String,
    description: Option<String>,
    failure_code: Option<String>,
    fee_minor: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    hold_id: Option<Uuid>,
    refunds_id: Option<Uuid>,
    payment_request_id: Option<Uuid>,
    addressed_user_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

/// A row says something that the CHECKs of its table should have kept out.
#[derive(Debug, thiserror::Error)]
#[error("the row of transaction {0} makes no sense")]
struct Senseless(Uuid);

impl TryFrom<Row> for Transaction {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let senseless = || sqlx::Error::Decode(Box::new(Senseless(row.id)));
        let kind = Kind::parse(&row.kind).ok_or_else(senseless)?;
        let state = match (
            row.state.as_str(),
            row.to_user_id,
            row.completed_at,
            &row.failure_code,
        ) {
            ("pending", ..) => State::Pending,
            ("completed", Some(payee), Some(at), _) => State::Completed(Completion {
                payer: payer(kind, &row),
                payee,
                fee: row.fee_minor.map(Minor),
                at,
            }),
            ("failed", _, _, Some(code)) => State::Failed(Failure::parse(code)),
            _ => return Err(senseless()),
        };
        let order = Order {
            kind,
            initiator: row.initiator_user_id,
            by_operator: row.by_operator,
            from: row.from_account_id,
            to: row.to_account_id,
            amount: Money {
                amount_minor: Minor(row.amount_minor),
                currency: row.currency.parse().map_err(|_| senseless())?,
            },
            about: about(&row),
            description: row.description,
        };
        Ok(Self {
            id: row.id,
            order,
            created_at: row.created_at,
            state,
        })
    }
}

/// The payer has a column of their own only if they are not the initiator.
fn payer(kind: Kind, row: &Row) -> Option<Uuid> {
    match kind {
        Kind::TopUp => None,
        _ => row.payer_user_id.or(Some(row.initiator_user_id)),
    }
}

fn about(row: &Row) -> About {
    None.or(row.expires_at.map(About::Until))
        .or(row.hold_id.map(About::Hold))
        .or(row.refunds_id.map(About::Transaction))
        .or(row.payment_request_id.map(About::PaymentRequest))
        .or(row.addressed_user_id.map(About::Person))
        .unwrap_or_default()
}
