//! Who calls: a browser by its session cookie, whose token is in the cache, or a client that holds its own access token.
//! Never both in one request.

use alert::{Alert, Kind};
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use uuid::Uuid;

use crate::auth::{self, not_logged_in};
use crate::domain::freshness::{Freshness, freshness};
use crate::domain::session::{COOKIE, Entry, SessionCookie, forget_cookie};
use crate::{AppState, csrf};

/// Who calls, with a token that is good for this request.
pub struct Caller {
    pub user_id: Uuid,
    pub session_id: Uuid,
    /// For `Authorization` in calls to services.
    pub authorization: HeaderValue,
    /// Of a browser's session; any other client's ends with its last refresh token.
    pub session_expires_at: Option<DateTime<Utc>>,
    /// What a browser showed.
    pub cookie: Option<SessionCookie>,
}

pub enum Credential {
    Cookie(SessionCookie),
    /// `Authorization`, as it came.
    Bearer(HeaderValue),
}

/// Why a request is not served. The browser forgets a cookie that no session belongs to; it keeps one of which that is
/// not known, since the store or Auth is down.
pub struct Refused {
    problem: Problem,
    forget_cookie: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            forget_cookie: false,
        }
    }
}

impl Refused {
    fn with_cookie(problem: Problem) -> Self {
        Self {
            forget_cookie: problem.status() == StatusCode::UNAUTHORIZED,
            problem,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if self.forget_cookie {
            ([(SET_COOKIE, forget_cookie())], self.problem).into_response()
        } else {
            self.problem.into_response()
        }
    }
}

/// What the request shows, if it shows anything.
pub fn credential(headers: &HeaderMap) -> Result<Option<Credential>, Refused> {
    let broken = || {
        Refused::with_cookie(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_session_cookie",
            "The session cookie is broken; log in again",
        ))
    };
    let cookies = CookieJar::from_headers(headers);
    match (cookies.get(COOKIE), headers.get(AUTHORIZATION)) {
        (None, None) => Ok(None),
        (Some(cookie), None) => {
            let cookie = SessionCookie::parse(cookie.value()).ok_or_else(broken)?;
            Ok(Some(Credential::Cookie(cookie)))
        }
        (None, Some(header)) => Ok(Some(Credential::Bearer(header.clone()))),
        (Some(_), Some(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "mixed_credentials",
            "A request shows a session cookie or an access token, not both",
        )
        .into()),
    }
}

/// Who calls. An unsafe request with a cookie has to come from a page of ours.
pub async fn caller(app: &AppState, method: &Method, headers: &HeaderMap) -> Result<Caller, Refused> {
    let caller = match credential(headers)?.ok_or_else(not_logged_in)? {
        Credential::Cookie(cookie) => {
            let entry = entry(app, &cookie).await.map_err(Refused::with_cookie)?;
            let authorization = format!("Bearer {}", entry.access_token);
            let authorization = authorization.parse().map_err(Problem::from)?;
            app.head_start
                .remember(&cookie, &authorization, entry.access_expires_at);
            Caller {
                user_id: entry.user_id,
                session_id: entry.session_id,
                authorization,
                session_expires_at: Some(entry.session_expires_at),
                cookie: Some(cookie),
            }
        }
        Credential::Bearer(authorization) => bearer(app, headers, authorization).await?,
    };
    same_user(app, headers, &caller)?;
    if caller.cookie.is_some() && !matches!(*method, Method::GET | Method::HEAD) {
        csrf::check(headers, &app.config.public_origin).inspect_err(|_| {
            let mut alert = Alert::new(Kind::CsrfRejected, Some(caller.user_id));
            alert.session_id = Some(caller.session_id);
            app.alerts.raise(alert);
        })?;
    }
    Ok(caller)
}

/// The token with which a read may go out while [`caller`] finds out whether it is the right one.
pub fn head_start(app: &AppState, method: &Method, headers: &HeaderMap) -> Option<HeaderValue> {
    match credential(headers) {
        Ok(Some(Credential::Cookie(cookie))) if *method == Method::GET => {
            app.head_start.of(&cookie, Utc::now())
        }
        _ => None,
    }
}

/// The token of a client that holds its own. The services verify it too; here it says whose session must not have ended.
async fn bearer(app: &AppState, headers: &HeaderMap, authorization: HeaderValue) -> Result<Caller> {
    let user = app.identity.user(headers).await?;
    if app.cache.is_ended(user.session_id).await? {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "session_ended",
            "This session has ended; log in again",
        ));
    }
    Ok(Caller {
        user_id: user.id,
        session_id: user.session_id,
        authorization,
        session_expires_at: None,
        cookie: None,
    })
}

async fn entry(app: &AppState, cookie: &SessionCookie) -> Result<Entry> {
    let now = Utc::now();
    match app.cache.get(cookie).await? {
        Some(entry) if entry.session_expires_at <= now => Err(not_logged_in()),
        Some(entry) => still_good(app, cookie, entry, now).await,
        None => recreate(app, cookie, now).await,
    }
}

async fn still_good(
    app: &AppState,
    cookie: &SessionCookie,
    entry: Entry,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let jitter = cookie.cache_key().bytes().fold(0, u8::wrapping_add);
    match freshness(entry.cached_at, entry.access_expires_at, jitter, now) {
        Freshness::Fresh => Ok(entry),
        Freshness::RenewAhead => {
            app.renewals.start(app, cookie);
            Ok(entry)
        }
        Freshness::Stale => recreate(app, cookie, now).await,
    }
}

async fn recreate(app: &AppState, cookie: &SessionCookie, now: DateTime<Utc>) -> Result<Entry> {
    let entry = auth::renew(app, cookie, now).await?;
    app.cache.put(cookie, &entry, now).await?;
    Ok(entry)
}

/// `X-User-Id` is no credential: a client that sends it is only held to it.
fn same_user(app: &AppState, headers: &HeaderMap, caller: &Caller) -> Result<()> {
    let Some(claimed) = headers.get("x-user-id") else {
        return Ok(());
    };
    if claimed
        .to_str()
        .is_ok_and(|claimed| claimed.parse() == Ok(caller.user_id))
    {
        return Ok(());
    }
    let mut alert = Alert::new(Kind::UserIdMismatch, Some(caller.user_id));
    alert.session_id = Some(caller.session_id);
    app.alerts.raise(alert);
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "user_id_mismatch",
        "X-User-Id is not the user of this session",
    ))
}
