use axum::extract::State;
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use garde::Validate;
use problem::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::access::{self, Refused};
use crate::answer::{Answer, call};
use crate::auth::{self, AUTH};
use crate::domain::session::forget_cookie;

const SCOPE: &str = "erase";

#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteUserRequest {
    /// The caller's, typed again.
    #[garde(skip)]
    password: String,
    /// Of the authenticator app, where the user has one.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// In the place of `code`; each is good for one use.
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<String>,
}

/// Deletes the caller: accounts are closed, name, address and profile are forgotten, every session ends. The ledger keeps its
/// entries, which name people by id only. The money has to be elsewhere before. What fails half way may be asked for again.
#[utoipa::path(post, path = "/users/me/deletion", tag = "profile", request_body = DeleteUserRequest,
    security(("session" = []), ("bearer" = [])),
    responses((status = 204), (status = 403, description = "`wrong_password`, `second_factor_invalid`"), (status = 409, description = "`account_not_empty`")))]
pub async fn delete_user(
    State(app): State<AppState>,
    headers: HeaderMap,
    problem::Json(request): problem::Json<DeleteUserRequest>,
) -> Result<Response, Refused> {
    let caller = access::caller(&app, &Method::POST, &headers).await?;
    let confirm = app.sidecar.request(Method::POST, AUTH, "/auth/confirm-password");
    let confirmed = call(
        &app,
        confirm.header(AUTHORIZATION, caller.authorization).json(&request),
    )
    .await?;
    if !confirmed.status.is_success() {
        return Ok(confirmed.into_response());
    }
    // The one that may refuse comes first; Auth, without which nobody could ask again, comes last.
    let closed = erase_at(&app, "account", caller.user_id).await?;
    if !closed.status.is_success() {
        return Ok(closed.into_response());
    }
    for service in ["user", "transaction"] {
        erase_at(&app, service, caller.user_id).await?.done()?;
    }
    auth::post(&app, "/internal/erase", &json!({ "user_id": caller.user_id }))
        .await?
        .done()?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, forget_cookie())]).into_response())
}

async fn erase_at(app: &AppState, service: &'static str, user_id: Uuid) -> Result<Answer> {
    let bearer = app.identity.bearer(service, SCOPE).await?;
    let request = app.sidecar.request(Method::POST, service, "/internal/erase");
    call(
        app,
        request.bearer_auth(bearer).json(&json!({ "user_id": user_id })),
    )
    .await
}
