use axum::{extract::State, http::StatusCode};
use garde::Validate;
use identity::{Grant, Service};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::views::account_not_empty;
use crate::{AppState, domain::may_close, store::accounts};

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

/// Closes all accounts of a user and takes their names away, or none of them if one is not empty. What was posted stays:
/// it names the user by an id only. A repeat changes nothing.
#[utoipa::path(post, path = "/internal/erase", tag = "internal", request_body = EraseUserRequest,
    security(("service" = ["gateway", "erase"])),
    responses((status = 204), (status = 409, description = "account_not_empty")))]
pub(crate) async fn erase_user(
    State(app): State<AppState>,
    _: Service<Eraser>,
    problem::Json(request): problem::Json<EraseUserRequest>,
) -> problem::Result<StatusCode> {
    let mut tx = app.pool.begin().await?;
    // The user's last requests may still be opening accounts.
    accounts::lock_user(&mut tx, request.user_id).await?;
    // Who never had an account gets a closed one: what everybody gets is opened once, so none is opened later.
    accounts::provision(&mut tx, request.user_id).await?;
    let accounts = accounts::lock_all(&mut tx, request.user_id).await?;
    if !accounts
        .iter()
        .all(|account| may_close(account.balance, account.held))
    {
        return Err(account_not_empty());
    }
    accounts::close_all(&mut tx, request.user_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
