use std::collections::HashMap;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use identity::User;
use money::Money;
use problem::{Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::TransactionView;
use crate::{
    AppState,
    domain::{Every, Schedule, ScheduleState},
    store,
};

/// As many of the last runs are shown; all are in the history.
const RUNS: i64 = 20;

#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleView {
    pub id: Uuid,
    pub state: ScheduleState,
    pub from_account_id: Uuid,
    pub to_account_id: Uuid,
    pub amount: Money,
    pub description: Option<String>,
    pub first_at: DateTime<Utc>,
    pub every: Every,
    /// How many dates there are.
    pub count: Option<u32>,
    /// The last moment that may be a date.
    pub ends_at: Option<DateTime<Utc>>,
    /// Null: no more comes. While it is paused: what would have been next.
    pub next_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleWithRuns {
    #[serde(flatten)]
    schedule: ScheduleView,
    /// The last 20, the newest first.
    runs: Vec<RunView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RunView {
    /// Which of the dates it is, from 1. One that was paused over or missed has no run.
    number: u32,
    due_at: Option<DateTime<Utc>>,
    /// Pending, completed or failed; `failure_code` says why.
    transaction: TransactionView,
}

impl ScheduleView {
    pub fn of(schedule: Schedule) -> Self {
        Self {
            id: schedule.id,
            state: schedule.state,
            from_account_id: schedule.from,
            to_account_id: schedule.to,
            amount: schedule.amount,
            description: schedule.description,
            first_at: schedule.dates.first_at,
            every: schedule.dates.every,
            count: schedule.dates.count,
            ends_at: schedule.dates.ends_at,
            next_at: schedule.next.map(|next| next.at),
            created_at: schedule.created_at,
        }
    }
}

/// One schedule of the caller, with what it has paid.
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)), security(("bearer" = ["user"])),
    responses((status = 200, body = ScheduleWithRuns), (status = 404, description = "schedule_not_found")))]
pub(crate) async fn show_schedule(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<ScheduleWithRuns>> {
    let mut db = app.pool.acquire().await?;
    let schedule = store::schedules::find(&mut db, user.id, id)
        .await?
        .ok_or_else(schedule_not_found)?;
    let runs = store::schedules::last_runs(&mut db, id, RUNS).await?;
    let ids: Vec<_> = runs.iter().map(|run| run.transaction_id).collect();
    let transactions = store::by_ids(&mut db, &ids).await?;
    let mut transactions: HashMap<_, _> = transactions
        .into_iter()
        .map(|transaction| (transaction.id, transaction))
        .collect();
    let dates = schedule.dates;
    let runs = runs.into_iter().filter_map(|run| {
        let transaction = transactions.remove(&run.transaction_id)?;
        Some(RunView {
            number: run.number,
            due_at: dates.date(run.number).map(|date| date.at),
            transaction: TransactionView::of(transaction, user.id),
        })
    });
    Ok(Json(ScheduleWithRuns {
        runs: runs.collect(),
        schedule: ScheduleView::of(schedule),
    }))
}

/// There is no such schedule, or it is somebody else's: the answer does not tell which.
pub(super) fn schedule_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "schedule_not_found",
        "There is no such schedule",
    )
}
