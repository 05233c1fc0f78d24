//! Asking somebody who is logged in for what they log in with, before what a stolen session must not do (ASVS 7.5.1).

use axum::http::StatusCode;
use chrono::Utc;
use problem::{Problem, Result};
use uuid::Uuid;

use crate::domain::limits;
use crate::routes::{PasswordAgain, limited, session_ended};
use crate::store::users::{self, User};
use crate::{AppState, second_factor};

/// The user, if this is their password, and the code is good where they have a second factor.
pub async fn confirm_password(app: &AppState, user_id: Uuid, again: PasswordAgain) -> Result<User> {
    let now = Utc::now();
    limited(app, &limits::confirm(user_id), now).await?;
    let user = users::find_by_id(&mut *app.pool.acquire().await?, user_id)
        .await?
        .ok_or_else(session_ended)?;
    let hash = Some(user.password_hash.clone());
    if !app.hashing.verify(again.password, hash).await? {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "wrong_password",
            "This is not your password",
        ));
    }
    second_factor::check(
        app,
        &user,
        again.code.as_deref(),
        again.recovery_code.as_deref(),
        now,
    )
    .await?;
    Ok(user)
}
