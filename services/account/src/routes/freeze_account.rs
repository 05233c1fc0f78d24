use axum::{Json, extract::State};
use identity::Operator;
use problem::Path;
use uuid::Uuid;

use super::views::{AnyAccountView, account_closed, account_not_found};
use crate::{
    AppState,
    domain::Status,
    store::accounts::{self, OwnAccount},
};

/// Freezes an account: it neither pays nor receives until it is unfrozen. A repeat changes nothing.
#[utoipa::path(post, path = "/admin/accounts/{id}/freeze", tag = "admin", params(("id" = Uuid, Path)),
    security(("bearer" = ["operator"])),
    responses((status = 200, body = AnyAccountView), (status = 404, description = "account_not_found"),
        (status = 409, description = "account_closed")))]
pub(crate) async fn freeze_account(
    State(app): State<AppState>,
    operator: Operator,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<AnyAccountView>> {
    set_status(&app, &operator, id, Status::Frozen).await
}

/// Opens a frozen account again. A repeat changes nothing.
#[utoipa::path(post, path = "/admin/accounts/{id}/unfreeze", tag = "admin", params(("id" = Uuid, Path)),
    security(("bearer" = ["operator"])),
    responses((status = 200, body = AnyAccountView), (status = 404, description = "account_not_found"),
        (status = 409, description = "account_closed")))]
pub(crate) async fn unfreeze_account(
    State(app): State<AppState>,
    operator: Operator,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<AnyAccountView>> {
    set_status(&app, &operator, id, Status::Open).await
}

async fn set_status(
    app: &AppState,
    operator: &Operator,
    id: Uuid,
    status: Status,
) -> problem::Result<Json<AnyAccountView>> {
    let mut tx = app.pool.begin().await?;
    let account = accounts::lock_anybodys(&mut tx, id)
        .await?
        .ok_or_else(account_not_found)?;
    if account.status == Status::Closed {
        return Err(account_closed());
    }
    accounts::set_status(&mut tx, id, status).await?;
    tx.commit().await?;
    tracing::info!(operator = %operator.0.id, account_id = %id, status = status.as_str(), "an operator set an account's status");
    Ok(Json(OwnAccount { status, ..account }.into()))
}
