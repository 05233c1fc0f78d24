use axum::{Json, extract::State};
use garde::Validate;
use identity::User;
use problem::Path;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::contact_view::{ContactView, alias_taken, contact_not_found, is_alias};
use crate::{AppState, store};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactChange {
    /// Null takes it away.
    #[garde(length(chars, min = 1, max = 64), inner(custom(is_alias)))]
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(min_length = 1, max_length = 64, required = true)]
    alias: Option<String>,
}

/// Gives a contact another alias.
#[utoipa::path(patch, path = "/contacts/{id}", tag = "contacts", request_body = ContactChange, params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses(
        (status = 200, body = ContactView),
        (status = 404, description = "contact_not_found"),
        (status = 409, description = "alias_taken"),
        (status = 422, description = "invalid_request"),
    ))]
pub(crate) async fn change_contact(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    problem::Json(change): problem::Json<ContactChange>,
) -> problem::Result<Json<ContactView>> {
    let mut db = app.pool.acquire().await?;
    store::contacts::set_alias(&mut db, user.id, id, change.alias.as_deref())
        .await
        .map_err(alias_taken)?;
    let contact = store::contacts::find(&mut db, user.id, id)
        .await?
        .ok_or_else(contact_not_found)?;
    Ok(Json(ContactView::of(contact)))
}
