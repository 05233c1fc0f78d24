use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::Admin;
use problem::{Problem, Result};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AccountView, unknown_user};
use crate::AppState;
use crate::admin::is_role;
use crate::domain::limits::failures_of;
use crate::domain::standing::Status;
use crate::events::Reason;
use crate::sessions;
use crate::store::{attempts, users};

/// What is left out stays as it is; `null` takes a date away (RFC 7396).
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserRequest {
    /// Keeps the user out, until it is `false` again.
    #[garde(skip)]
    disabled: Option<bool>,
    /// Keeps the user out until then. `null` unlocks, and forgets wrong passwords.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    locked_until: Option<Option<DateTime<Utc>>>,
    /// Keeps the user out from then on.
    #[garde(skip)]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    expires_at: Option<Option<DateTime<Utc>>>,
    /// Of `user`, `operator` and `admin`; in the user's next access token.
    #[garde(inner(length(max = 3), inner(custom(is_role))))]
    roles: Option<Vec<String>>,
}

/// Tells `null` from what is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Locks, unlocks, disables, enables or expires a user, or sets their roles. Whoever may not log in any more, or loses a
/// role, is logged out everywhere.
#[utoipa::path(patch, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path)), request_body = ChangeUserRequest,
    security(("bearer" = ["admin"])),
    responses((status = 200, body = AccountView), (status = 404, description = "`unknown_user`"),
        (status = 409, description = "`last_admin`")))]
pub async fn change_user(
    State(app): State<AppState>,
    admin: Admin,
    problem::Path(id): problem::Path<Uuid>,
    problem::Json(request): problem::Json<ChangeUserRequest>,
) -> Result<(HeaderMap, Json<AccountView>)> {
    let now = Utc::now();
    let mut tx = app.pool.begin().await?;
    let another_admin = users::other_admin(&mut tx, id).await?;
    let before = users::lock_by_id(&mut tx, id).await?.ok_or_else(unknown_user)?;
    let mut after = before.clone();
    if let Some(disabled) = request.disabled {
        after.disabled_at = disabled.then(|| before.disabled_at.unwrap_or(now));
    }
    if let Some(until) = request.locked_until {
        after.locked_until = until;
        attempts::forget_failures(&mut tx, &[failures_of(&id.to_string(), None)]).await?;
    }
    if let Some(at) = request.expires_at {
        after.expires_at = at;
    }
    if let Some(mut roles) = request.roles {
        roles.sort();
        roles.dedup();
        after.roles = roles;
    }
    let is_admin = |user: &users::User| user.roles.iter().any(|role| role == "admin");
    let loses_role = before.roles.iter().any(|role| !after.roles.contains(role));
    let kept_out = after.disabled_at.is_some()
        || after.expires_at.is_some_and(|at| at <= now)
        || after.locked_until.is_some_and(|until| until > now);
    if is_admin(&before) && !another_admin && (kept_out || after.expires_at.is_some() || !is_admin(&after)) {
        return Err(last_admin());
    }
    let status = Status {
        disabled_at: after.disabled_at,
        expires_at: after.expires_at,
        locked_until: after.locked_until,
    };
    users::set_standing(&mut tx, id, &status, &after.roles).await?;
    let ended = if kept_out || loses_role {
        Some(sessions::end(&mut tx, id, (None, None), Reason::Admin, now).await?)
    } else {
        None
    };
    tx.commit().await?;
    tracing::info!(admin = %admin.0.id, user_id = %id, "an administrator changed a user's standing");
    let headers = ended.map(|ended| ended.after_commit(&app)).unwrap_or_default();
    Ok((headers, Json(AccountView::of(after, now))))
}

fn last_admin() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "last_admin",
        "Without this user nobody could administer the system",
    )
}
