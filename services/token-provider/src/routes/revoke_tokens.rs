use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Issuing;
use crate::issue::hash;
use crate::{AppState, store};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokensRequest {
    #[garde(length(max = 128))]
    refresh_token: String,
}

/// Ends the family of a refresh token. An unknown token is no error (RFC 7009 §2.2).
#[utoipa::path(post, path = "/internal/tokens/revoke", tag = "internal", request_body = RevokeTokensRequest,
    responses((status = 204)))]
pub async fn revoke_tokens(
    State(app): State<AppState>,
    _: Service<Issuing>,
    problem::Json(request): problem::Json<RevokeTokensRequest>,
) -> Result<StatusCode> {
    let mut tx = app.pool.begin().await?;
    if let Some(family_id) = store::family_of(&mut tx, &hash(&request.refresh_token)).await? {
        store::revoke(&mut tx, family_id, Utc::now()).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
