use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use identity::User;
use problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    contact_view::{ContactView, alias_taken, contact_not_found, is_alias},
    idempotent::now,
    payee::{invalid, person_named},
};
use crate::{AppState, store};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContact {
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(min_length = 1, max_length = 254)]
    username: String,
    /// What the caller calls them. Case does not count.
    #[garde(length(chars, min = 1, max = 64), inner(custom(is_alias)))]
    #[schema(min_length = 1, max_length = 64)]
    alias: Option<String>,
}

/// Notes somebody to pay. Whoever is a contact already gets the alias, so a repeat changes nothing.
#[utoipa::path(post, path = "/contacts", tag = "contacts", request_body = NewContact, security(("bearer" = ["user"])),
    responses(
        (status = 201, body = ContactView),
        (status = 404, description = "payee_not_found"),
        (status = 409, description = "alias_taken"),
        (status = 422, description = "too_many_contacts, invalid_request"),
        (status = 503, description = "payee_unavailable"),
    ))]
pub(crate) async fn create_contact(
    State(app): State<AppState>,
    user: User,
    problem::Json(request): problem::Json<NewContact>,
) -> problem::Result<(StatusCode, Json<ContactView>)> {
    let person = person_named(&app, &request.username).await?;
    if person.user_id == user.id {
        return Err(invalid("username", "is the caller"));
    }
    let mut tx = app.pool.begin().await?;
    let (id, alias) = (Uuid::now_v7(), request.alias.as_deref());
    let id = store::contacts::put(&mut tx, id, user.id, person.user_id, alias, now())
        .await
        .map_err(alias_taken)?
        .ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "too_many_contacts",
                "There are 500 contacts already",
            )
        })?;
    let contact = store::contacts::find(&mut tx, user.id, id)
        .await?
        .ok_or_else(contact_not_found)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(ContactView::of(contact))))
}
