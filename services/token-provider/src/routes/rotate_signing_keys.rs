use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use identity::Admin;
use problem::{Problem, Result};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;

#[derive(Serialize, ToSchema)]
pub struct Rotation {
    kid: String,
    /// When it begins to sign: not before everybody who keeps the key set has seen it.
    signs_from: DateTime<Utc>,
}

/// Gives the next signing key its turn. The old one stays published until its last token has ended.
#[utoipa::path(post, path = "/admin/signing-keys/rotate", tag = "admin", security(("bearer" = ["admin"])),
    responses((status = 202, body = Rotation), (status = 409, description = "`no_standby_key`")))]
pub async fn rotate_signing_keys(
    State(app): State<AppState>,
    _: Admin,
) -> Result<(StatusCode, Json<Rotation>)> {
    let Some((kid, signs_from)) = app.keys.rotate(Utc::now()).await? else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_standby_key",
            "No signing key waits for its turn; add one to the secret store first",
        ));
    };
    tracing::info!(kid, %signs_from, "an administrator rotates the signing keys");
    Ok((StatusCode::ACCEPTED, Json(Rotation { kid, signs_from })))
}
