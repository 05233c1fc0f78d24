use axum::Json;
use axum::extract::State;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Issuing;
use crate::AppState;
use crate::issue::{Tokens, access_token, new_refresh_token};
use crate::store::refresh_tokens::{self, Family};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueTokensRequest {
    #[garde(skip)]
    user_id: Uuid,
    #[garde(skip)]
    session_id: Uuid,
    #[garde(length(min = 1, max = 10), inner(length(max = 32)))]
    roles: Vec<String>,
}

/// A user's first pair of tokens, after a login.
#[utoipa::path(post, path = "/internal/tokens", tag = "internal", request_body = IssueTokensRequest,
    security(("service" = ["auth", "tokens:issue"])),
    responses((status = 200, body = Tokens)))]
pub async fn issue_tokens(
    State(app): State<AppState>,
    _: Service<Issuing>,
    problem::Json(request): problem::Json<IssueTokensRequest>,
) -> Result<Json<Tokens>> {
    let now = Utc::now();
    let family = Family {
        id: Uuid::now_v7(),
        user_id: request.user_id,
        session_id: request.session_id,
        expires_at: now + app.lifetimes.refresh,
    };
    let (refresh_token, hash) = new_refresh_token();
    refresh_tokens::insert_family(&mut *app.pool.acquire().await?, &family, &hash, now).await?;
    let (access_token, access_expires_at) =
        access_token(&app, request.user_id, request.session_id, request.roles, now)?;
    let refresh_expires_at = family.expires_at;
    Ok(Json(Tokens {
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
    }))
}
