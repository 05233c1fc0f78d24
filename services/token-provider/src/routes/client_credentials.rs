use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::{Form, Json};
use axum_extra::TypedHeader;
use axum_extra::headers::Authorization;
use axum_extra::headers::authorization::Basic;
use chrono::Utc;
use identity::{Claims, ISSUER, SERVICE_SUBJECT};
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AppState;
use crate::domain::grants;
use crate::issue::ACCESS_TOKEN;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentialsRequest {
    /// `client_credentials`
    grant_type: String,
    /// The app-id of the service to call.
    audience: String,
    scope: String,
}

/// RFC 6749 §5.1.
#[derive(Serialize, ToSchema)]
pub struct ClientCredentialsResponse {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
}

/// A token for one service to call another: OAuth 2.0 client credentials (RFC 6749 §4.4), by HTTP Basic with app-id and client secret.
#[utoipa::path(post, path = "/oauth/token", tag = "tokens",
    request_body(content = ClientCredentialsRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = ClientCredentialsResponse)))]
pub async fn client_credentials(
    State(app): State<AppState>,
    credentials: Option<TypedHeader<Authorization<Basic>>>,
    Form(request): Form<ClientCredentialsRequest>,
) -> Result<impl IntoResponse> {
    let TypedHeader(credentials) = credentials.ok_or_else(invalid_client)?;
    let (caller, secret) = (credentials.username(), credentials.password());
    let known = app.clients.get(caller).ok_or_else(invalid_client)?;
    verify_slices_are_equal(secret.as_bytes(), known.as_bytes()).map_err(|_| invalid_client())?;
    let granted = request.grant_type == "client_credentials"
        && grants::allowed(caller, &request.audience, &request.scope);
    if !granted {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "This client is not granted that",
        ));
    }
    let now = Utc::now();
    let lifetime = app.lifetimes.service;
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: request.audience,
        sub: format!("{SERVICE_SUBJECT}{caller}"),
        iat: now.timestamp(),
        exp: (now + lifetime).timestamp(),
        jti: Uuid::now_v7(),
        sid: None,
        roles: Vec::new(),
        scope: request.scope,
        purpose: None,
    };
    let access_token = app.keys.sign(ACCESS_TOKEN, &claims)?;
    let response = ClientCredentialsResponse {
        access_token,
        token_type: "Bearer",
        expires_in: lifetime.num_seconds(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(response)))
}

fn invalid_client() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "The client is unknown or its secret is wrong",
    )
}
