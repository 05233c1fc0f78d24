use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Network, Sessions, limited};
use crate::AppState;
use crate::domain::credentials::{is_username, normal};
use crate::domain::{limits, password};
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 3 to 32 letters, digits, `_`, `.` and `-`; case does not count.
    #[garde(custom(is_username))]
    username: String,
    #[garde(email, length(max = 254))]
    email: String,
    /// 12 to 128 characters that are hard to guess.
    #[garde(length(chars, min = 12, max = 128))]
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct RegisterResponse {
    user_id: Uuid,
}

/// Registers a new user, who gets a mail that verifies the address. The answer is the same for an address that has an
/// account already: its owner learns of it by mail, and nobody else.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterRequest,
    security(("service" = ["gateway", "auth:sessions"])),
    responses((status = 201, body = RegisterResponse), (status = 409, description = "`username_taken`"),
        (status = 422, description = "`invalid_request`, `weak_password`"), (status = 429, description = "`rate_limited`")))]
pub async fn register(
    State(app): State<AppState>,
    _: Service<Sessions>,
    Network(network): Network,
    problem::Json(request): problem::Json<RegisterRequest>,
) -> Result<(StatusCode, Json<RegisterResponse>)> {
    let (user_id, now) = (Uuid::now_v7(), Utc::now());
    let (username, email) = (normal(&request.username), normal(&request.email));
    limited(&app, &limits::register(&network), now).await?;
    password::check("password", &request.password, &[&username, &email])?;
    let password_hash = app.hashing.hash(request.password).await?;
    let mut tx = app.pool.begin().await?;
    users::insert(&mut tx, user_id, &username, &email, &password_hash, now)
        .await
        .map_err(taken)?;
    outbox::enqueue(&mut tx, &crate::events::user_registered(user_id, now)?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok((StatusCode::CREATED, Json(RegisterResponse { user_id })))
}

fn taken(error: sqlx::Error) -> Problem {
    let constraint = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint);
    if constraint == Some("users_username_unique") {
        Problem::new(
            StatusCode::CONFLICT,
            "username_taken",
            "Somebody else has this username",
        )
    } else {
        error.into()
    }
}
