use axum::{Json, extract::State, http::StatusCode};
use identity::User;
use problem::{Path, Problem};
use uuid::Uuid;

use super::views::{AccountView, account_not_empty, account_not_found};
use crate::{
    AppState,
    domain::{Status, may_close},
    store::accounts::{self, OwnAccount},
};

/// Closes an account of the caller for good, also a frozen one, once nothing is on it. A repeat changes nothing.
#[utoipa::path(post, path = "/accounts/{id}/close", tag = "accounts", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses((status = 200, body = AccountView), (status = 404, description = "account_not_found"),
        (status = 409, description = "account_not_empty, account_is_default")))]
pub(crate) async fn close_account(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<Json<AccountView>> {
    let mut tx = app.pool.begin().await?;
    // Postings lock it too: after the commit they find it closed.
    let account = accounts::lock(&mut tx, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    if account.status == Status::Closed {
        return Ok(Json(account.into()));
    }
    if account.is_default {
        return Err(account_is_default());
    }
    if !may_close(account.balance, account.held) {
        return Err(account_not_empty());
    }
    accounts::set_status(&mut tx, id, Status::Closed).await?;
    tx.commit().await?;
    let account = OwnAccount {
        status: Status::Closed,
        ..account
    };
    Ok(Json(account.into()))
}

fn account_is_default() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "account_is_default",
        "The default account can't be closed",
    )
}
