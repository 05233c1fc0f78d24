use axum::{Json, extract::State};
use garde::Validate;
use identity::User;
use problem::Path;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    merge_patch::given,
    views::{AccountView, account_closed, account_not_found, is_line},
};
use crate::{AppState, domain::Status, store::accounts};

/// What is left out stays as it is.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAccountRequest {
    #[garde(inner(length(chars, max = 60), custom(is_line)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 60)]
    name: Option<String>,
    /// Only `true`: there is always a default account, so it can move, but not go.
    #[garde(inner(custom(is_true)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_default: Option<bool>,
}

fn is_true(value: &bool, _: &()) -> garde::Result {
    if *value {
        Ok(())
    } else {
        Err(garde::Error::new(
            "can only become true, which makes another account the default no more",
        ))
    }
}

/// Renames an account of the caller, or makes it their default one.
#[utoipa::path(patch, path = "/accounts/{id}", tag = "accounts", params(("id" = Uuid, Path)),
    request_body = ChangeAccountRequest, security(("bearer" = ["user"])),
    responses((status = 200, body = AccountView), (status = 404, description = "account_not_found"),
        (status = 409, description = "account_closed")))]
pub(crate) async fn change_account(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    problem::Json(request): problem::Json<ChangeAccountRequest>,
) -> problem::Result<Json<AccountView>> {
    let mut tx = app.pool.begin().await?;
    if request.is_default.is_some() {
        // Two accounts change, and another request could be moving the default to a third.
        accounts::lock_all(&mut tx, user.id).await?;
    }
    let account = accounts::lock(&mut tx, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    if account.status == Status::Closed {
        return Err(account_closed());
    }
    if let Some(name) = &request.name {
        accounts::rename(&mut tx, id, name.trim()).await?;
    }
    if request.is_default.is_some() {
        accounts::move_default(&mut tx, user.id, id).await?;
    }
    let account = accounts::find(&mut tx, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    tx.commit().await?;
    Ok(Json(account.into()))
}
