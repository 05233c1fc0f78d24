use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::{Problem, Result};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Issuing;
use crate::AppState;
use crate::domain::refresh::{Decision, decide};
use crate::issue::{Tokens, access_token, hash, new_refresh_token};
use crate::store::refresh_tokens as store;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokensRequest {
    #[garde(length(max = 128))]
    refresh_token: String,
    /// The session that it has to be of.
    #[garde(skip)]
    session_id: Uuid,
    /// The user's roles of today: they may have changed since the login.
    #[garde(length(min = 1, max = 10), inner(length(max = 32)))]
    roles: Vec<String>,
}

/// The next pair of tokens for a refresh token, which is used up by it (RFC 9700 §4.14.2).
#[utoipa::path(post, path = "/internal/tokens/refresh", tag = "internal", request_body = RefreshTokensRequest,
    security(("service" = ["auth", "tokens:issue"])),
    responses((status = 200, body = Tokens)))]
pub async fn refresh_tokens(
    State(app): State<AppState>,
    _: Service<Issuing>,
    problem::Json(request): problem::Json<RefreshTokensRequest>,
) -> Result<Json<Tokens>> {
    let now = Utc::now();
    let presented = hash(&request.refresh_token);
    let mut tx = app.pool.begin().await?;
    let (family, token) = store::lock(&mut tx, &presented)
        .await?
        .filter(|(family, _)| family.session_id == request.session_id)
        .ok_or_else(ended)?;
    match decide(&token, now) {
        Decision::Rotate => {}
        Decision::Ended => return Err(ended()),
        Decision::Reuse => {
            store::revoke(&mut tx, family.id, now).await?;
            tx.commit().await?;
            tracing::warn!(session_id = %family.session_id, "a used refresh token came back; its family is revoked");
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "refresh_token_reused",
                "This refresh token was used before",
            ));
        }
    }
    let (refresh_token, successor) = new_refresh_token();
    store::insert_token(&mut tx, &successor, family.id, now).await?;
    store::mark_used(&mut tx, &presented, &successor, now).await?;
    tx.commit().await?;
    let (access_token, access_expires_at) =
        access_token(&app, family.user_id, family.session_id, request.roles, now)?;
    let refresh_expires_at = family.expires_at;
    Ok(Json(Tokens {
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
    }))
}

fn ended() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "refresh_token_invalid",
        "This refresh token is unknown or has ended",
    )
}
