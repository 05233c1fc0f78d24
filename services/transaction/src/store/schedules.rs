//! Schedules and their runs.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use page::Place;
use sqlx::PgConnection;
use uuid::Uuid;

use super::begin::RECOVER_AFTER_S;
use crate::domain::{Date, Dates, Every, Failure, Schedule, ScheduleState};

/// How many a user has at most that have not ended.
pub const MOST: i64 = 100;

/// False: the user has [`MOST`] already. Requests of the same user wait for each other, so that none slips by.
pub async fn insert(db: &mut PgConnection, schedule: &Schedule) -> sqlx::Result<bool> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('schedules ' || $1::text, 0))",
        schedule.user.to_string()
    )
    .execute(&mut *db)
    .await?;
    let inserted = sqlx::query!(
        "insert into schedules (id, user_id, from_account_id, to_account_id, amount_minor, currency, description, first_at,
                                every, count, ends_at, state, next_at, next_run, created_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
         where (select count(*) from schedules where user_id = $2 and state in ('active', 'paused')) < $16",
        schedule.id,
        schedule.user,
        schedule.from,
        schedule.to,
        schedule.amount.amount_minor.0,
        schedule.amount.currency.code(),
        schedule.description,
        schedule.dates.first_at,
        schedule.dates.every.as_str(),
        schedule.dates.count.map(u32::cast_signed),
        schedule.dates.ends_at,
        schedule.state.as_str(),
        schedule.next.map(|next| next.at),
        schedule.next.map(|next| next.run.cast_signed()),
        schedule.created_at,
        MOST,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// A user's schedule.
pub async fn find(db: &mut PgConnection, user: Uuid, id: Uuid) -> sqlx::Result<Option<Schedule>> {
    let row = sqlx::query_as!(
        Row,
        "select id, user_id, from_account_id, to_account_id, amount_minor, currency, description, first_at, every, count,
                ends_at, state, next_at, next_run, created_at
         from schedules where id = $1 and user_id = $2",
        id,
        user,
    )
    .fetch_optional(db)
    .await?;
    row.map(Schedule::try_from).transpose()
}

/// A user's schedule, locked until the transaction ends, so that none of its dates comes meanwhile.
pub async fn lock(db: &mut PgConnection, user: Uuid, id: Uuid) -> sqlx::Result<Option<Schedule>> {
    let row = sqlx::query_as!(
        Row,
        "select id, user_id, from_account_id, to_account_id, amount_minor, currency, description, first_at, every, count,
                ends_at, state, next_at, next_run, created_at
         from schedules where id = $1 and user_id = $2 for update",
        id,
        user,
    )
    .fetch_optional(db)
    .await?;
    row.map(Schedule::try_from).transpose()
}

/// The `limit` of a user's schedules at `place`, newest first.
pub async fn list(
    db: &mut PgConnection,
    user: Uuid,
    place: Place<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Schedule>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", user_id as "user_id!", from_account_id as "from_account_id!",
                  to_account_id as "to_account_id!", amount_minor as "amount_minor!", currency as "currency!", description,
                  first_at as "first_at!", every as "every!", count, ends_at, state as "state!", next_at, next_run,
                  created_at as "created_at!"
           from (
               (select * from schedules where user_id = $1 and not $4 and id < $2 order by id desc limit $3)
               union all
               (select * from schedules where user_id = $1 and $4 and id > $2 order by id limit $3)
           ) as page order by id desc"#,
        user,
        place.key().unwrap_or(Uuid::max()),
        limit,
        place.is_back(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Schedule::try_from).collect()
}

/// The users of the `limit` schedules whose date has come first.
pub async fn due_payers(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select distinct user_id from (
             select user_id from schedules where state = 'active' and next_at <= $1 order by next_at limit $2
         ) as due",
        now,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Takes schedules of these users of which a date has come; those that another worker has taken are passed over.
pub async fn take_due(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    users: &[Uuid],
    limit: i64,
) -> sqlx::Result<Vec<Schedule>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, user_id, from_account_id, to_account_id, amount_minor, currency, description, first_at, every, count,
                ends_at, state, next_at, next_run, created_at
         from schedules where state = 'active' and next_at <= $1 and user_id = any($2)
         order by next_at limit $3 for update skip locked",
        now,
        users,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Schedule::try_from).collect()
}

/// Writes how far a schedule is.
pub async fn update(db: &mut PgConnection, schedule: &Schedule) -> sqlx::Result<()> {
    sqlx::query!(
        "update schedules set state = $2, next_at = $3, next_run = $4 where id = $1",
        schedule.id,
        schedule.state.as_str(),
        schedule.next.map(|next| next.at),
        schedule.next.map(|next| next.run.cast_signed()),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cancels all schedules of a user.
pub async fn cancel_all(db: &mut PgConnection, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update schedules set state = 'cancelled', next_at = null, next_run = null
         where user_id = $1 and state in ('active', 'paused')",
        user,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes the transaction `id` of one date of a schedule: a pending one that pays it or, with a reason, one that has failed.
pub async fn begin_run(
    db: &mut PgConnection,
    id: Uuid,
    schedule: &Schedule,
    (run, failure): (u32, Option<Failure>),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into transactions (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                                   description, created_at, recover_after, schedule_id, schedule_run, state, failure_code)
         values ($1, 'transfer', $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9), $10, $11,
                 case when $12::text is null then 'pending' else 'failed' end, $12)",
        id,
        schedule.user,
        schedule.from,
        schedule.to,
        schedule.amount.amount_minor.0,
        schedule.amount.currency.code(),
        schedule.description,
        now,
        RECOVER_AFTER_S,
        schedule.id,
        run.cast_signed(),
        failure.map(Failure::code),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A run: which date it paid, and by which transaction.
pub struct Run {
    pub number: u32,
    pub transaction_id: Uuid,
}

/// The last runs of a schedule, the newest first.
pub async fn last_runs(db: &mut PgConnection, schedule_id: Uuid, limit: i64) -> sqlx::Result<Vec<Run>> {
    let rows = sqlx::query!(
        r#"select id, schedule_run as "number!" from transactions where schedule_id = $1 order by schedule_run desc limit $2"#,
        schedule_id,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Run {
            number: row.number.cast_unsigned(),
            transaction_id: row.id,
        })
        .collect())
}

/// A row of `schedules`.
struct Row {
    id: Uuid,
    user_id: Uuid,
    from_account_id: Uuid,
    to_account_id: Uuid,
    amount_minor: i64,
    currency: String,
    description: Option<String>,
    first_at: DateTime<Utc>,
    every: String,
    count: Option<i32>,
    ends_at: Option<DateTime<Utc>>,
    state: String,
    next_at: Option<DateTime<Utc>>,
    next_run: Option<i32>,
    created_at: DateTime<Utc>,
}

/// A row says something that the CHECKs of its table should have kept out.
#[derive(Debug, thiserror::Error)]
#[error("the row of schedule {0} makes no sense")]
struct Senseless(Uuid);

impl TryFrom<Row> for Schedule {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let senseless = || sqlx::Error::Decode(Box::new(Senseless(row.id)));
        Ok(Self {
            id: row.id,
            user: row.user_id,
            from: row.from_account_id,
            to: row.to_account_id,
            amount: Money {
                amount_minor: Minor(row.amount_minor),
                currency: row.currency.parse().map_err(|_| senseless())?,
            },
            description: row.description,
            dates: Dates {
                first_at: row.first_at,
                every: Every::parse(&row.every).ok_or_else(senseless)?,
                count: row.count.map(i32::cast_unsigned),
                ends_at: row.ends_at,
            },
            state: ScheduleState::parse(&row.state).ok_or_else(senseless)?,
            next: row.next_at.zip(row.next_run).map(|(at, run)| Date {
                run: run.cast_unsigned(),
                at,
            }),
            created_at: row.created_at,
        })
    }
}
