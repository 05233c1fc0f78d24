//! What is passed on: an explicit list of routes, with an explicit list of headers. Everything else stays outside.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use problem::{Problem, Result};
use reqwest::RequestBuilder;
use uuid::Uuid;

use crate::access::{self, Caller, Refused};
use crate::answer::{Answer, call, only};
use crate::auth::{self, AUTH};
use crate::domain::session::forget_cookie;
use crate::limits::Client;
use crate::{AppState, csrf, stream};

/// One forwarded route; the service has it at the same path.
pub struct Forwarded {
    pub method: MethodFilter,
    pub path: &'static str,
    pub service: &'static str,
    pub access: Access,
    pub body_limit_bytes: usize,
}

/// A batch is larger than any other body.
const BATCH_LIMIT_BYTES: usize = 1024 * 1024;

/// Who may call a route, before the service applies its own rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever is logged in; the service gets their token.
    Caller,
    /// As `Caller`; the answer is passed on as it comes.
    Stream,
    /// Anybody; the service gets the gateway's own token.
    Anybody,
    /// Anybody but a browser, as the answer has tokens.
    Native,
}

const fn forwarded(method: MethodFilter, path: &'static str, service: &'static str) -> Forwarded {
    let access = Access::Caller;
    Forwarded {
        method,
        path,
        service,
        access,
        body_limit_bytes: server::BODY_LIMIT_BYTES,
    }
}

const fn batch(path: &'static str, service: &'static str) -> Forwarded {
    Forwarded {
        body_limit_bytes: BATCH_LIMIT_BYTES,
        ..forwarded(POST, path, service)
    }
}

const fn streamed(path: &'static str, service: &'static str) -> Forwarded {
    Forwarded {
        access: Access::Stream,
        ..forwarded(GET, path, service)
    }
}

const fn open(path: &'static str, access: Access) -> Forwarded {
    let (method, service) = (MethodFilter::POST, AUTH);
    Forwarded {
        method,
        path,
        service,
        access,
        body_limit_bytes: server::BODY_LIMIT_BYTES,
    }
}

impl Forwarded {
    /// As OpenAPI writes it.
    pub fn method_name(&self) -> &'static str {
        match self.method {
            MethodFilter::GET => "get",
            MethodFilter::PATCH => "patch",
            MethodFilter::POST => "post",
            MethodFilter::PUT => "put",
            _ => "delete",
        }
    }
}

const GET: MethodFilter = MethodFilter::GET;
const PATCH: MethodFilter = MethodFilter::PATCH;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const DELETE: MethodFilter = MethodFilter::DELETE;

pub const FORWARDED: [Forwarded; 88] = [
    open("/auth/register", Access::Anybody),
    open("/auth/verify-email", Access::Anybody),
    open("/auth/password-resets", Access::Anybody),
    open("/auth/password-resets/confirm", Access::Anybody),
    open("/auth/token", Access::Native),
    forwarded(GET, "/auth/account", AUTH),
    forwarded(PUT, "/auth/password", AUTH),
    forwarded(POST, "/auth/totp", AUTH),
    forwarded(POST, "/auth/totp/confirm", AUTH),
    forwarded(POST, "/auth/totp/disable", AUTH),
    forwarded(POST, "/auth/recovery-codes", AUTH),
    forwarded(GET, "/auth/sessions", AUTH),
    forwarded(DELETE, "/auth/sessions", AUTH),
    forwarded(DELETE, "/auth/sessions/{id}", AUTH),
    forwarded(GET, "/admin/users", AUTH),
    forwarded(GET, "/admin/users/{id}", AUTH),
    forwarded(PATCH, "/admin/users/{id}", AUTH),
    forwarded(DELETE, "/admin/users/{id}/sessions", AUTH),
    forwarded(GET, "/admin/signing-keys", "token-provider"),
    forwarded(POST, "/admin/signing-keys/rotate", "token-provider"),
    forwarded(GET, "/users/me", "user"),
    forwarded(PATCH, "/users/me", "user"),
    forwarded(GET, "/users/me/preferences", "user"),
    forwarded(PATCH, "/users/me/preferences", "user"),
    forwarded(GET, "/account-types", "account"),
    forwarded(GET, "/accounts", "account"),
    forwarded(POST, "/accounts", "account"),
    forwarded(GET, "/accounts/{id}", "account"),
    forwarded(PATCH, "/accounts/{id}", "account"),
    forwarded(POST, "/accounts/{id}/close", "account"),
    forwarded(GET, "/accounts/{id}/entries", "account"),
    forwarded(GET, "/accounts/{id}/balance", "account"),
    forwarded(GET, "/accounts/{id}/statement", "account"),
    forwarded(GET, "/admin/accounts/{id}", "account"),
    forwarded(POST, "/admin/accounts/{id}/freeze", "account"),
    forwarded(POST, "/admin/accounts/{id}/unfreeze", "account"),
    forwarded(PATCH, "/admin/accounts/{id}/limits", "account"),
    forwarded(GET, "/admin/ledger/verification", "account"),
    forwarded(POST, "/admin/ledger/verification", "account"),
    forwarded(GET, "/transactions", "transaction"),
    forwarded(POST, "/transactions", "transaction"),
    forwarded(GET, "/transactions/{id}", "transaction"),
    batch("/transactions/batch", "transaction"),
    forwarded(POST, "/transactions/{id}/refunds", "transaction"),
    forwarded(POST, "/top-ups", "transaction"),
    forwarded(POST, "/withdrawals", "transaction"),
    forwarded(GET, "/holds", "transaction"),
    forwarded(POST, "/holds", "transaction"),
    forwarded(GET, "/holds/{id}", "transaction"),
    forwarded(POST, "/holds/{id}/capture", "transaction"),
    forwarded(POST, "/holds/{id}/void", "transaction"),
    forwarded(GET, "/contacts", "transaction"),
    forwarded(POST, "/contacts", "transaction"),
    forwarded(PATCH, "/contacts/{id}", "transaction"),
    forwarded(DELETE, "/contacts/{id}", "transaction"),
    forwarded(GET, "/payment-requests", "transaction"),
    forwarded(POST, "/payment-requests", "transaction"),
    forwarded(GET, "/payment-requests/{id}", "transaction"),
    forwarded(POST, "/payment-requests/{id}/pay", "transaction"),
    forwarded(POST, "/payment-requests/{id}/decline", "transaction"),
    forwarded(POST, "/payment-requests/{id}/cancel", "transaction"),
    forwarded(GET, "/schedules", "transaction"),
    forwarded(POST, "/schedules", "transaction"),
    forwarded(GET, "/schedules/{id}", "transaction"),
    forwarded(PATCH, "/schedules/{id}", "transaction"),
    forwarded(DELETE, "/schedules/{id}", "transaction"),
    forwarded(GET, "/activity", "activity"),
    streamed("/activity/stream", "activity"),
    forwarded(GET, "/admin/audit", "activity"),
    forwarded(GET, "/admin/audit/log", "activity"),
    forwarded(GET, "/admin/audit/log/verification", "activity"),
    forwarded(GET, "/admin/mails", "email"),
    forwarded(POST, "/admin/mails/{id}/retry", "email"),
    forwarded(GET, "/admin/user/dead-letters", "user"),
    forwarded(POST, "/admin/user/dead-letters/replay", "user"),
    forwarded(GET, "/admin/user/dead-letters/{id}", "user"),
    forwarded(DELETE, "/admin/user/dead-letters/{id}", "user"),
    forwarded(POST, "/admin/user/dead-letters/{id}/replay", "user"),
    forwarded(GET, "/admin/email/dead-letters", "email"),
    forwarded(POST, "/admin/email/dead-letters/replay", "email"),
    forwarded(GET, "/admin/email/dead-letters/{id}", "email"),
    forwarded(DELETE, "/admin/email/dead-letters/{id}", "email"),
    forwarded(POST, "/admin/email/dead-letters/{id}/replay", "email"),
    forwarded(GET, "/admin/activity/dead-letters", "activity"),
    forwarded(POST, "/admin/activity/dead-letters/replay", "activity"),
    forwarded(GET, "/admin/activity/dead-letters/{id}", "activity"),
    forwarded(DELETE, "/admin/activity/dead-letters/{id}", "activity"),
    forwarded(POST, "/admin/activity/dead-letters/{id}/replay", "activity"),
];

const REQUEST_HEADERS: [HeaderName; 4] = [
    CONTENT_TYPE,
    ACCEPT,
    ACCEPT_LANGUAGE,
    HeaderName::from_static("idempotency-key"),
];

pub fn routes() -> Router<AppState> {
    FORWARDED.iter().fold(Router::new(), |router, route| {
        let handler = async move |State(app): State<AppState>,
                                  client: Client,
                                  params: RawPathParams,
                                  request: Request| {
            forward(&app, route, &client, &params, request).await
        };
        router.route(route.path, on(route.method, handler))
    })
}

async fn forward(
    app: &AppState,
    route: &Forwarded,
    client: &Client,
    params: &RawPathParams,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    // Every parameter of a forwarded path is an id, so that nothing else gets into the path of an inner request.
    if params.iter().any(|(_, value)| value.parse::<Uuid>().is_err()) {
        return Err(invalid_path().into());
    }
    // Read in any case: an unread body ends the connection.
    let body = to_bytes(body, route.body_limit_bytes)
        .await
        .map_err(|_| too_large())?;
    if route.access == Access::Stream {
        return stream::open(app, route, &parts).await;
    }
    let complete = |request: RequestBuilder| {
        request
            .headers(only(&parts.headers, &REQUEST_HEADERS))
            .body(body.clone())
    };
    if route.access != Access::Caller {
        let request = for_anybody(app, route, client, &parts).await?;
        return Ok(call(app, complete(request)).await?.into_response());
    }
    let (answer, caller) = for_caller(app, &parts, |authorization| {
        let request = app
            .sidecar
            .request(parts.method.clone(), route.service, path(&parts));
        complete(request.header(AUTHORIZATION, authorization))
    })
    .await?;
    // Whoever has ended their own session by this has a cookie that is worth nothing.
    if caller.cookie.is_some() && answer.ended.contains(&caller.session_id) {
        return Ok(([(SET_COOKIE, forget_cookie())], answer).into_response());
    }
    Ok(answer.into_response())
}

/// What the service answers to whoever calls. A read goes out while it is found out who that is, if it can.
async fn for_caller(
    app: &AppState,
    parts: &Parts,
    request: impl Fn(HeaderValue) -> RequestBuilder,
) -> Result<(Answer, Caller), Refused> {
    let caller = access::caller(app, &parts.method, &parts.headers);
    let Some(token) = access::head_start(app, &parts.method, &parts.headers) else {
        let caller = caller.await?;
        let answer = call(app, request(caller.authorization.clone())).await?;
        return Ok((answer, caller));
    };
    let early = async { Ok::<_, Refused>(call(app, request(token.clone())).await) };
    let (early, caller) = tokio::try_join!(early, caller)?;
    let answer = if caller.authorization == token {
        early?
    } else {
        call(app, request(caller.authorization.clone())).await?
    };
    Ok((answer, caller))
}

async fn for_anybody(
    app: &AppState,
    route: &Forwarded,
    client: &Client,
    parts: &Parts,
) -> Result<RequestBuilder> {
    app.limits.anonymous(client)?;
    if route.access == Access::Native {
        csrf::check_native(&parts.headers)?;
    } else {
        csrf::check_without_cookie(&parts.headers, &app.config.public_origin)?;
    }
    let request = auth::request(app, parts.method.clone(), path(parts)).await?;
    Ok(request.header("payme-client-network", client.network.to_string()))
}

pub fn path(parts: &Parts) -> &str {
    parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.path(), |path| path.as_str())
}

fn invalid_path() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_path",
        "A part of the path has the wrong form",
    )
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is too large",
    )
}
