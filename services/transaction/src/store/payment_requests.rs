//! Payment requests. A payment takes one before the ledger is asked, so what races with it waits for its outcome.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use page::Place;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{PaymentRequest, Person, RequestState, State, Transaction};

/// How many a user has open at most, so that nobody floods others with them.
pub const MOST: i64 = 100;

/// False: the requester has [`MOST`] open already. Requests of the same user wait for each other, so that none slips by.
pub async fn insert(db: &mut PgConnection, request: &PaymentRequest) -> sqlx::Result<bool> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('payment requests ' || $1::text, 0))",
        request.requester.user_id.to_string()
    )
    .execute(&mut *db)
    .await?;
    let inserted = sqlx::query!(
        "insert into payment_requests (id, requester_user_id, payer_user_id, to_account_id, amount_minor, currency, note,
                                       created_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where (select count(*) from payment_requests
                where requester_user_id = $2 and state = 'open' and expires_at > now()) < $10",
        request.id,
        request.requester.user_id,
        request.payer.user_id,
        request.to,
        request.amount.amount_minor.0,
        request.amount.currency.code(),
        request.note,
        request.created_at,
        request.expires_at,
        MOST,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// A payment request, whoever's it is.
pub async fn find(db: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<PaymentRequest>> {
    Ok(by_ids(db, &[id]).await?.pop())
}

/// Payment requests by their ids.
pub async fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<PaymentRequest>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", requester_user_id as "requester_user_id!", requester_username,
                  payer_user_id as "payer_user_id!", payer_username, to_account_id as "to_account_id!",
                  amount_minor as "amount_minor!", currency as "currency!", note, state as "state!", transaction_id,
                  created_at as "created_at!", expires_at as "expires_at!", ended_at
           from payment_requests_seen where id = any($1)"#,
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(PaymentRequest::try_from).collect()
}

/// Which of a user's payment requests.
pub struct Which {
    /// Those that the user is to pay.
    pub incoming: bool,
    /// Those that the user has made.
    pub outgoing: bool,
    pub state: Option<RequestState>,
}

/// The `limit` of a user's payment requests at `place`, newest first.
pub async fn list(
    db: &mut PgConnection,
    user: Uuid,
    which: &Which,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<PaymentRequest>> {
    let rows = sqlx::query_as!(
        Row,
        r#"with mine as (
               (select * from payment_requests_seen
                where $2 and payer_user_id = $1 and not $7 and id < $5 and ($4::text is null or state = $4)
                order by id desc limit $6)
               union all
               (select * from payment_requests_seen
                where $3 and requester_user_id = $1 and not $7 and id < $5 and ($4::text is null or state = $4)
                order by id desc limit $6)
               union all
               (select * from payment_requests_seen
                where $2 and payer_user_id = $1 and $7 and id > $5 and ($4::text is null or state = $4)
                order by id limit $6)
               union all
               (select * from payment_requests_seen
                where $3 and requester_user_id = $1 and $7 and id > $5 and ($4::text is null or state = $4)
                order by id limit $6)
           ), page as (
               select * from mine order by case when $7 then id end, id desc limit $6
           )
           select id as "id!", requester_user_id as "requester_user_id!", requester_username,
                  payer_user_id as "payer_user_id!", payer_username, to_account_id as "to_account_id!",
                  amount_minor as "amount_minor!", currency as "currency!", note, state as "state!", transaction_id,
                  created_at as "created_at!", expires_at as "expires_at!", ended_at
           from page order by id desc"#,
        user,
        which.incoming,
        which.outgoing,
        which.state.map(RequestState::as_str),
        place.key().unwrap_or(Uuid::max()),
        limit,
        place.is_back(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(PaymentRequest::try_from).collect()
}

/// Takes an open request for a payment. False: it is not open, or another payment has it.
pub async fn reserve(db: &mut PgConnection, id: Uuid, transaction_id: Uuid) -> sqlx::Result<bool> {
    let reserved = sqlx::query!(
        "update payment_requests set transaction_id = $2
         where id = $1 and state = 'open' and transaction_id is null and expires_at > now()",
        id,
        transaction_id,
    )
    .execute(db)
    .await?;
    Ok(reserved.rows_affected() == 1)
}

/// Declines or cancels an open request that no payment has. False: it is none.
pub async fn end(
    db: &mut PgConnection,
    id: Uuid,
    state: RequestState,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "update payment_requests set state = $2, ended_at = $3
         where id = $1 and state = 'open' and transaction_id is null and expires_at > now()",
        id,
        state.as_str(),
        now,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Cancels what a user has asked for, and declines what the user was to pay; gives all of these.
pub async fn end_all(
    db: &mut PgConnection,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PaymentRequest>> {
    let ended = sqlx::query_scalar!(
        "update payment_requests
         set state = case when requester_user_id = $1 then 'cancelled' else 'declined' end, ended_at = $2
         where (requester_user_id = $1 or payer_user_id = $1)
           and state = 'open' and transaction_id is null and expires_at > now()
         returning id",
        user,
        now,
    )
    .fetch_all(&mut *db)
    .await?;
    by_ids(db, &ended).await
}

/// Writes down which requests have expired, those that expired first and `limit` at most, and gives them. One that a payment
/// has is passed over until that has failed, and one that another replica is at.
pub async fn expire(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<PaymentRequest>> {
    let expired = sqlx::query_scalar!(
        "update payment_requests set state = 'expired', ended_at = expires_at
         where id in (
             select id from payment_requests
             where state = 'open' and transaction_id is null and expires_at <= now()
             order by expires_at limit $1 for update skip locked
         )
         returning id",
        limit,
    )
    .fetch_all(&mut *db)
    .await?;
    by_ids(db, &expired).await
}

/// Notes that requests are paid.
pub async fn paid(db: &mut PgConnection, payments: &[&Transaction]) -> sqlx::Result<()> {
    for payment in payments {
        let State::Completed(done) = payment.state else {
            continue;
        };
        sqlx::query!(
            "update payment_requests set state = 'paid', ended_at = $2 where id = $1",
            payment.order.about.payment_request(),
            done.at,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Lets go of requests whose payments have failed: they can be paid again.
pub async fn release(db: &mut PgConnection, failed: &[&Transaction]) -> sqlx::Result<()> {
    for payment in failed {
        sqlx::query!(
            "update payment_requests set transaction_id = null where id = $1 and transaction_id = $2",
            payment.order.about.payment_request(),
            payment.id,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// A row of `payment_requests_seen`.
struct Row {
    id: Uuid,
    requester_user_id: Uuid,
    requester_username: Option<String>,
    payer_user_id: Uuid,
    payer_username: Option<String>,
    to_account_id: Uuid,
    amount_minor: i64,
    currency: String,
    note: Option<String>,
    state: String,
    transaction_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// A row says something that the CHECKs of its table should have kept out.
#[derive(Debug, thiserror::Error)]
#[error("the row of payment request {0} makes no sense")]
struct Senseless(Uuid);

impl TryFrom<Row> for PaymentRequest {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let senseless = || sqlx::Error::Decode(Box::new(Senseless(row.id)));
        Ok(Self {
            id: row.id,
            requester: Person {
                user_id: row.requester_user_id,
                username: row.requester_username,
            },
            payer: Person {
                user_id: row.payer_user_id,
                username: row.payer_username,
            },
            to: row.to_account_id,
            amount: Money {
                amount_minor: Minor(row.amount_minor),
                currency: row.currency.parse().map_err(|_| senseless())?,
            },
            note: row.note,
            state: RequestState::parse(&row.state).ok_or_else(senseless)?,
            transaction_id: row.transaction_id,
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
    }
}
