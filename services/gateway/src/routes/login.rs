use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono::{DateTime, Utc};
use garde::Validate;
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Credential, credential};
use crate::auth::{self, LoggedIn, SessionAccess};
use crate::domain::device::{self, Device};
use crate::domain::session::SessionCookie;
use crate::limits::Client;
use crate::provisioning::{Provisioned, provision};
use crate::{AppState, csrf};

/// Either `username` or `email`; the email once it is verified.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
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
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    client_type: ClientType,
    /// Of a native client: a random id that it keeps, so that its next login is not one from a new device.
    #[garde(length(bytes, min = 16, max = 128))]
    #[serde(skip_serializing)]
    device_id: Option<String>,
}

/// What gets the session.
#[derive(Clone, Copy, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    /// A session cookie, and no tokens.
    #[default]
    Browser,
    /// An access and a refresh token, for apps and scripts; a browser can't ask for them.
    Native,
}

/// What Auth is told of the client.
#[derive(Serialize)]
struct ClientAtAuth {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    device: String,
    device_label: String,
    network: String,
}

#[derive(Serialize)]
struct LoginAtAuth<'a> {
    #[serde(flatten)]
    request: &'a LoginRequest,
    client: ClientAtAuth,
}

#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    user_id: Uuid,
    first_login: bool,
    /// At the first login only: which services have made what they keep for the user. The others do at first use.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned: Option<Provisioned>,
    /// For native clients only.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

/// What a native client holds itself.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    session_id: Uuid,
    /// For `Authorization: Bearer`.
    access_token: String,
    access_expires_at: DateTime<Utc>,
    /// For `POST /auth/token`; good for one use.
    refresh_token: String,
    session_expires_at: DateTime<Utc>,
}

/// Begins a session. A browser gets the session cookie, and no token ever; a native client gets tokens, and no cookie.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 200, body = LoginResponse), (status = 401, description = "`invalid_credentials`, `second_factor_required`"),
    (status = 403, description = "`account_disabled`, `account_expired`, `account_locked`, `email_unverified`, `second_factor_invalid`, `native_clients_only`"),
    (status = 429, description = "`rate_limited`")))]
pub async fn login(
    State(app): State<AppState>,
    client: Client,
    headers: HeaderMap,
    problem::Json(request): problem::Json<LoginRequest>,
) -> Result<Response> {
    app.limits.anonymous(&client)?;
    if request.client_type == ClientType::Native {
        csrf::check_native(&headers)?;
        native(&app, &client, &headers, &request).await
    } else {
        csrf::check_without_cookie(&headers, &app.config.public_origin)?;
        browser(&app, &client, &headers, &request).await
    }
}

async fn browser(
    app: &AppState,
    client: &Client,
    headers: &HeaderMap,
    request: &LoginRequest,
) -> Result<Response> {
    let (cookie, device) = (SessionCookie::new(rand::random()), Device::of(headers));
    let replaced = match credential(headers) {
        Ok(Some(Credential::Cookie(old))) => Some(old),
        _ => None,
    };
    let client = ClientAtAuth {
        session_ref: Some(cookie.session_ref()),
        replaces: replaced.map(|old| old.session_ref()),
        device: device.hash(),
        device_label: device::label(headers),
        network: client.network.to_string(),
    };
    let answer = auth::post(app, "/login", &LoginAtAuth { request, client }).await?;
    if !answer.status.is_success() {
        return Ok(answer.into_response());
    }
    let LoggedIn { first_login, access } = answer.json()?;
    let now = Utc::now();
    let entry = access.into_entry(now);
    app.cache.put(&cookie, &entry, now).await?;
    let max_age_s = (entry.session_expires_at - now).num_seconds();
    let cookies = [cookie.to_set_cookie(max_age_s), device.to_set_cookie()];
    let cookies = cookies.map(|cookie| HeaderValue::try_from(cookie).map(|cookie| (SET_COOKIE, cookie)));
    let cookies = cookies.into_iter().collect::<Result<Vec<_>, _>>()?;
    let body = LoginResponse::of(app, entry.user_id, first_login, None).await;
    Ok((AppendHeaders(cookies), Json(body)).into_response())
}

async fn native(
    app: &AppState,
    client: &Client,
    headers: &HeaderMap,
    request: &LoginRequest,
) -> Result<Response> {
    let device = match &request.device_id {
        Some(id) => device::hash(id.as_bytes()),
        None => device::hash(&rand::random::<[u8; 16]>()),
    };
    let client = ClientAtAuth {
        session_ref: None,
        replaces: None,
        device,
        device_label: device::label(headers),
        network: client.network.to_string(),
    };
    let answer = auth::post(app, "/login", &LoginAtAuth { request, client }).await?;
    if !answer.status.is_success() {
        return Ok(answer.into_response());
    }
    let LoggedIn { first_login, access } = answer.json()?;
    let user_id = access.user_id;
    let tokens = Tokens::of(access);
    Ok(Json(LoginResponse::of(app, user_id, first_login, tokens).await).into_response())
}

impl LoginResponse {
    async fn of(app: &AppState, user_id: Uuid, first_login: bool, tokens: Option<Tokens>) -> Self {
        let provisioned = if first_login {
            Some(provision(app, user_id).await)
        } else {
            None
        };
        Self {
            user_id,
            first_login,
            provisioned,
            tokens,
        }
    }
}

impl Tokens {
    fn of(access: SessionAccess) -> Option<Self> {
        Some(Self {
            session_id: access.session_id,
            access_token: access.access_token,
            access_expires_at: access.access_expires_at,
            refresh_token: access.refresh_token?,
            session_expires_at: access.session_expires_at,
        })
    }
}
