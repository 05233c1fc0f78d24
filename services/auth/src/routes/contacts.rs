use axum::Json;
use axum::extract::State;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Contacts;
use crate::AppState;
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactsRequest {
    #[garde(length(min = 1, max = 100))]
    user_ids: Vec<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct ContactsResponse {
    items: Vec<Contact>,
}

#[derive(Serialize, ToSchema)]
pub struct Contact {
    user_id: Uuid,
    username: String,
    email: String,
    /// Whether the user has shown that they read mail at this address.
    verified: bool,
}

/// Names and addresses of users, for mails to them. Unknown ids are left out.
#[utoipa::path(post, path = "/internal/contacts", tag = "internal", request_body = ContactsRequest,
    security(("service" = ["email", "contacts:read"])),
    responses((status = 200, body = ContactsResponse)))]
pub async fn contacts(
    State(app): State<AppState>,
    _: Service<Contacts>,
    problem::Json(request): problem::Json<ContactsRequest>,
) -> Result<Json<ContactsResponse>> {
    let found = users::contacts(&mut *app.pool.acquire().await?, &request.user_ids).await?;
    let items = found
        .into_iter()
        .map(
            |users::Contact {
                 user_id,
                 username,
                 email,
                 verified,
             }| Contact {
                user_id,
                username,
                email,
                verified,
            },
        )
        .collect();
    Ok(Json(ContactsResponse { items }))
}
