use axum::{extract::State, http::StatusCode};
use identity::User;
use problem::Path;
use sqlx::Connection;
use uuid::Uuid;

use super::show_schedule::schedule_not_found;
use crate::{
    AppState,
    domain::{Schedule, ScheduleState},
    store,
};

/// Cancels a schedule for good. What it has paid stays, and so does the schedule, to be looked at. A repeat changes nothing.
#[utoipa::path(delete, path = "/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses((status = 204), (status = 404, description = "schedule_not_found")))]
pub(crate) async fn cancel_schedule(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<StatusCode> {
    let mut db = app.pool.acquire().await?;
    let mut tx = db.begin().await?;
    let schedule = store::schedules::lock(&mut tx, user.id, id)
        .await?
        .ok_or_else(schedule_not_found)?;
    if schedule.next.is_some() {
        let cancelled = Schedule {
            state: ScheduleState::Cancelled,
            next: None,
            ..schedule
        };
        store::schedules::update(&mut tx, &cancelled).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
