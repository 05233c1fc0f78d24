use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Issuing;
use crate::AppState;
use crate::store::refresh_tokens;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokensRequest {
    #[garde(length(min = 1, max = 1000))]
    session_ids: Vec<Uuid>,
}

/// Ends the refresh tokens of sessions. An unknown session is no error (as RFC 7009 §2.2 has it for tokens).
#[utoipa::path(post, path = "/internal/tokens/revoke", tag = "internal", request_body = RevokeTokensRequest,
    security(("service" = ["auth", "tokens:issue"])), responses((status = 204)))]
pub async fn revoke_tokens(
    State(app): State<AppState>,
    _: Service<Issuing>,
    problem::Json(request): problem::Json<RevokeTokensRequest>,
) -> Result<StatusCode> {
    refresh_tokens::revoke_sessions(&mut *app.pool.acquire().await?, &request.session_ids, Utc::now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
