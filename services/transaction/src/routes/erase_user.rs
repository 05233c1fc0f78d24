use axum::{extract::State, http::StatusCode};
use garde::Validate;
use identity::{Grant, Service};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::idempotent::now;
use crate::{AppState, events::payment_request_changed, store};

/// The gateway, when a user deletes their login.
pub(crate) struct Eraser;

impl Grant for Eraser {
    const CALLER: &'static str = "gateway";
    const SCOPE: &'static str = "erase";
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseUserRequest {
    #[garde(skip)]
    user_id: Uuid,
}

/// Forgets a user's name and contacts, also where others have them, and ends what is still to come: schedules and open
/// payment requests. Transactions stay: they name people by an id only. A repeat changes nothing.
#[utoipa::path(post, path = "/internal/erase", tag = "internal", request_body = EraseUserRequest,
    security(("service" = ["gateway", "erase"])), responses((status = 204)))]
pub(crate) async fn erase_user(
    State(app): State<AppState>,
    _: Service<Eraser>,
    problem::Json(request): problem::Json<EraseUserRequest>,
) -> problem::Result<StatusCode> {
    let mut tx = app.pool.begin().await?;
    store::contacts::erase(&mut tx, request.user_id).await?;
    store::people::forget(&mut tx, request.user_id).await?;
    store::schedules::cancel_all(&mut tx, request.user_id).await?;
    let ended = store::payment_requests::end_all(&mut tx, request.user_id, now()).await?;
    let events: Result<Vec<_>, _> = ended.iter().map(payment_request_changed).collect();
    outbox::enqueue_all(&mut tx, &events?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(StatusCode::NO_CONTENT)
}
