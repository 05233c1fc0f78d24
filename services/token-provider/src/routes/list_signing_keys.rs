use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use identity::Admin;
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;

#[derive(Serialize, ToSchema)]
pub struct SigningKeys {
    items: Vec<SigningKeyView>,
}

#[derive(Serialize, ToSchema)]
pub struct SigningKeyView {
    kid: String,
    /// `RS256` or `ES256`.
    algorithm: &'static str,
    /// Whether it is the one that signs.
    active: bool,
    published_at: DateTime<Utc>,
    /// Absent while it waits for its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    signs_from: Option<DateTime<Utc>>,
}

/// The published signing keys, and which of them signs.
#[utoipa::path(get, path = "/admin/signing-keys", tag = "admin", security(("bearer" = ["admin"])),
    responses((status = 200, body = SigningKeys)))]
pub async fn list_signing_keys(State(app): State<AppState>, _: Admin) -> Json<SigningKeys> {
    let mut keys = app.keys.states();
    keys.sort_by_key(|(key, _)| key.published_at);
    let view = |(key, active): (crate::domain::rotation::KeyState, bool)| SigningKeyView {
        kid: key.kid,
        algorithm: key.algorithm.name(),
        active,
        published_at: key.published_at,
        signs_from: key.signs_from,
    };
    Json(SigningKeys {
        items: keys.into_iter().map(view).collect(),
    })
}
