//! Asking somebody who is logged in for their password again, before what a stolen session must not do.

use axum::http::StatusCode;
use chrono::Utc;
use problem::{Problem, Result};
use uuid::Uuid;

use crate::domain::limits;
use crate::routes::limited;
use crate::store::users::{self, User};
use crate::{AppState, routes::session_ended};

/// The user, if this is their password.
pub async fn confirm_password(app: &AppState, user_id: Uuid, password: String) -> Result<User> {
    limited(app, &limits::confirm(user_id), Utc::now()).await?;
    let user = users::find_by_id(&mut *app.pool.acquire().await?, user_id)
        .await?
        .ok_or_else(session_ended)?;
    if app
        .hashing
        .verify(password, Some(user.password_hash.clone()))
        .await?
    {
        return Ok(user);
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "wrong_password",
        "This is not your password",
    ))
}
