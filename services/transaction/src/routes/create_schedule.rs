use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use garde::Validate;
use identity::User;
use money::{Minor, Money};
use problem::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    description::printable,
    idempotent::{answered, made, made_before, now},
    payee::{To, invalid},
    show_schedule::ScheduleView,
};
use crate::{
    AppState, answer,
    domain::{Dates, Every, Failure, IdempotencyKey, RequestHash, Schedule, ScheduleState},
    store,
};

/// The first date is not further away, so that all of them can be counted.
const AHEAD: TimeDelta = TimeDelta::days(3_660);

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSchedule {
    /// An account of the caller.
    #[garde(skip)]
    from_account_id: Uuid,
    /// Anybody's account.
    #[garde(skip)]
    to_account_id: Option<Uuid>,
    /// In its place: whose account it is. It is looked up once, now, so that nobody else is ever paid by a name.
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(min_length = 1, max_length = 254)]
    to_username: Option<String>,
    /// Or what the caller calls whose account it is: one of their contacts.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    to_alias: Option<String>,
    #[garde(skip)]
    amount: Money,
    /// What both parties see in their history.
    #[garde(length(chars, min = 1, max = 140), inner(custom(printable)))]
    #[schema(min_length = 1, max_length = 140)]
    description: Option<String>,
    /// The first date: in the future, ten years ahead at most. All others are counted from it, in UTC.
    #[garde(skip)]
    first_at: DateTime<Utc>,
    #[garde(skip)]
    every: Every,
    /// How many dates there are, or:
    #[garde(range(min = 1, max = 10_000))]
    #[schema(minimum = 1, maximum = 10_000)]
    count: Option<u32>,
    /// The last moment that may be a date. With neither it goes on until it is cancelled.
    #[garde(skip)]
    ends_at: Option<DateTime<Utc>>,
}

/// Makes a transfer at a later time, once or again and again, as if the caller asked for it then. What the accounts allow is
/// decided on each date; one that fails is kept, and the next one comes all the same.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = NewSchedule, security(("bearer" = ["user"])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = ScheduleView),
        (status = 404, description = "payee_not_found"),
        (status = 422, description = "invalid_amount, same_account, too_many_schedules, idempotency_key_reused, \
                                      invalid_request"),
        (status = 503, description = "payee_unavailable"),
    ))]
pub(crate) async fn create_schedule(
    State(app): State<AppState>,
    user: User,
    key: IdempotencyKey,
    Json(request): Json<NewSchedule>,
) -> problem::Result<Response> {
    let hash = RequestHash::of("schedule", &request)?;
    let to = To::one_of(
        request.to_account_id,
        request.to_username.as_ref(),
        request.to_alias.as_ref(),
    )?;
    // What was in the future, or somebody's name, may not be so any more when a request comes again.
    if let Some(answer) = answered(&app, user.id, &key, hash).await? {
        return Ok(answer);
    }
    let dates = dates(&request)?;
    if request.amount.amount_minor <= Minor::ZERO {
        return Err(answer::problem_of(Failure::InvalidAmount));
    }
    let payee = to.resolve(&app, user.id, request.amount.currency).await?;
    if payee.account_id == request.from_account_id {
        return Err(answer::problem_of(Failure::SameAccount));
    }
    let schedule = Schedule {
        id: Uuid::now_v7(),
        user: user.id,
        from: request.from_account_id,
        to: payee.account_id,
        amount: request.amount,
        description: request.description,
        dates,
        state: ScheduleState::Active,
        next: dates.date(1),
        created_at: now(),
    };
    let id = schedule.id;
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = made_before(&mut tx, user.id, &key, hash, id).await? {
        return Ok(answer);
    }
    if !store::schedules::insert(&mut tx, &schedule).await? {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too_many_schedules",
            "There are 100 schedules already that have not ended",
        ));
    }
    let response = made(&mut tx, user.id, id, &ScheduleView::of(schedule)).await?;
    tx.commit().await?;
    Ok(response)
}

fn dates(request: &NewSchedule) -> problem::Result<Dates> {
    let now = now();
    // PostgreSQL keeps microseconds.
    let first_at = request.first_at.trunc_subsecs(6);
    if first_at <= now || first_at > now + AHEAD {
        return Err(invalid(
            "first_at",
            "has to be in the future, and ten years ahead at most",
        ));
    }
    if request.count.is_some() && request.ends_at.is_some() {
        return Err(invalid("ends_at", "give either count or ends_at"));
    }
    if request.every == Every::Once && (request.count.is_some() || request.ends_at.is_some()) {
        return Err(invalid("every", "what is done once has no other end"));
    }
    let ends_at = request.ends_at.map(|at| at.trunc_subsecs(6));
    if ends_at.is_some_and(|ends_at| ends_at < first_at) {
        return Err(invalid("ends_at", "has to be after first_at"));
    }
    Ok(Dates {
        first_at,
        every: request.every,
        count: request.count,
        ends_at,
    })
}
