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

use super::Sessions;
use crate::AppState;
use crate::domain::credentials::{is_username, normal};
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// 3 to 32 letters, digits, `_`, `.` and `-`; case does not count.
    #[garde(custom(is_username))]
    username: String,
    #[garde(email, length(max = 254))]
    email: String,
    /// 12 to 128 characters.
    #[garde(length(chars, min = 12, max = 128))]
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct RegisterResponse {
    user_id: Uuid,
}

/// A new user. The event makes the profile, and the mail that verifies the address.
#[utoipa::path(post, path = "/register", tag = "users", request_body = RegisterRequest,
    responses((status = 201, body = RegisterResponse), (status = 409, description = "`username_taken`, `email_taken`")))]
pub async fn register(
    State(app): State<AppState>,
    _: Service<Sessions>,
    problem::Json(request): problem::Json<RegisterRequest>,
) -> Result<(StatusCode, Json<RegisterResponse>)> {
    let password_hash = app.hashing.hash(request.password).await?;
    let (user_id, now) = (Uuid::now_v7(), Utc::now());
    let mut tx = app.pool.begin().await?;
    users::insert(
        &mut tx,
        user_id,
        &normal(&request.username),
        &normal(&request.email),
        &password_hash,
        now,
    )
    .await
    .map_err(taken)?;
    outbox::enqueue(&mut tx, &crate::events::user_registered(user_id, now)?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok((StatusCode::CREATED, Json(RegisterResponse { user_id })))
}

fn taken(error: sqlx::Error) -> Problem {
    match error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint)
    {
        Some("users_username_unique") => Problem::new(
            StatusCode::CONFLICT,
            "username_taken",
            "Somebody else has this username",
        ),
        Some("users_email_unique") => Problem::new(
            StatusCode::CONFLICT,
            "email_taken",
            "There is an account with this email address",
        ),
        _ => error.into(),
    }
}
