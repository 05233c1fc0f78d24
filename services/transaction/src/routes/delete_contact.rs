use axum::{extract::State, http::StatusCode};
use identity::User;
use problem::Path;
use uuid::Uuid;

use super::contact_view::contact_not_found;
use crate::{AppState, store};

/// Forgets a contact. Paying them by name again brings them back.
#[utoipa::path(delete, path = "/contacts/{id}", tag = "contacts", params(("id" = Uuid, Path)),
    security(("bearer" = ["user"])),
    responses((status = 204), (status = 404, description = "contact_not_found")))]
pub(crate) async fn delete_contact(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
) -> problem::Result<StatusCode> {
    let mut db = app.pool.acquire().await?;
    if store::contacts::delete(&mut db, user.id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(contact_not_found())
    }
}
