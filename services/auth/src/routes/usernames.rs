use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use identity::{Grant, Service};
use problem::{FieldError, Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::unknown_user;
use crate::AppState;
use crate::domain::credentials::{is_username, normal};
use crate::store::users;

/// Transaction, whose users name each other.
pub struct Usernames;

impl Grant for Usernames {
    const CALLER: &str = "transaction";
    const SCOPE: &str = "usernames:read";
}

/// Either `username` or `user_id`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsernameRequest {
    #[garde(length(max = 254))]
    username: Option<String>,
    #[garde(skip)]
    user_id: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct UsernameResponse {
    user_id: Uuid,
    username: String,
}

/// Who has a name, or what the name of somebody is. Who is disabled or deleted is not there.
#[utoipa::path(post, path = "/internal/usernames", tag = "internal", request_body = UsernameRequest,
    security(("service" = ["transaction", "usernames:read"])),
    responses((status = 200, body = UsernameResponse), (status = 404, description = "`unknown_user`")))]
pub async fn usernames(
    State(app): State<AppState>,
    _: Service<Usernames>,
    problem::Json(request): problem::Json<UsernameRequest>,
) -> Result<Json<UsernameResponse>> {
    let mut conn = app.pool.acquire().await?;
    let user = match (request.username, request.user_id) {
        // Only a name: a verified address would find somebody too, and nobody may learn whose it is.
        (Some(name), None) if is_username(&name, &()).is_ok() => {
            users::find(&mut conn, &normal(&name)).await?
        }
        (Some(_), None) => None,
        (None, Some(id)) => users::find_by_id(&mut conn, id).await?,
        _ => return Err(one_of_both()),
    };
    let user = user
        .filter(|user| user.disabled_at.is_none())
        .ok_or_else(unknown_user)?;
    Ok(Json(UsernameResponse {
        user_id: user.id,
        username: user.username,
    }))
}

fn one_of_both() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The body breaks a rule of this request",
    )
    .errors(vec![FieldError {
        field: "username".to_owned(),
        message: "give either a username or a user_id".to_owned(),
    }])
}
