use axum::{extract::State, http::StatusCode};
use garde::Validate;
use identity::User;
use problem::{Json, Path, Problem};
use serde::Deserialize;
use sqlx::Connection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    idempotent::now,
    show_schedule::{ScheduleView, schedule_not_found},
};
use crate::{
    AppState,
    domain::{Schedule, ScheduleState},
    store,
};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleChange {
    #[garde(skip)]
    #[schema(inline)]
    state: WantedState,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WantedState {
    Active,
    Paused,
}

/// Pauses a schedule, or lets it go on. Dates that came while it was paused are over: the next one is in the future, and if
/// there is none, it has ended.
#[utoipa::path(patch, path = "/schedules/{id}", tag = "schedules", request_body = ScheduleChange,
    params(("id" = Uuid, Path)), security(("bearer" = ["user"])),
    responses(
        (status = 200, body = ScheduleView),
        (status = 404, description = "schedule_not_found"),
        (status = 422, description = "schedule_ended, invalid_request"),
    ))]
pub(crate) async fn change_schedule(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    Json(change): Json<ScheduleChange>,
) -> problem::Result<axum::Json<ScheduleView>> {
    let mut db = app.pool.acquire().await?;
    let mut tx = db.begin().await?;
    let schedule = store::schedules::lock(&mut tx, user.id, id)
        .await?
        .ok_or_else(schedule_not_found)?;
    let changed = match (schedule.state, change.state) {
        (ScheduleState::Ended | ScheduleState::Cancelled, _) => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "schedule_ended",
                "The schedule has ended or was cancelled",
            ));
        }
        (ScheduleState::Paused, WantedState::Active) => schedule.advanced(now()),
        // A date that has come and is about to be paid is not lost.
        (ScheduleState::Active, WantedState::Active) => schedule,
        (_, WantedState::Paused) => Schedule {
            state: ScheduleState::Paused,
            ..schedule
        },
    };
    store::schedules::update(&mut tx, &changed).await?;
    tx.commit().await?;
    Ok(axum::Json(ScheduleView::of(changed)))
}
