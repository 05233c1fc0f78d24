//! From a cookie to an access token: through the cache, and through Auth where the cache has none.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, Utc};
use problem::{Problem, Result};
use uuid::Uuid;

use crate::AppState;
use crate::auth::not_logged_in;
use crate::domain::freshness::{Freshness, freshness};
use crate::domain::session::{COOKIE, Entry, SessionCookie, forget_cookie};

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

/// The session cookie, if the request has one.
pub fn cookie(headers: &HeaderMap) -> Result<Option<SessionCookie>, Refused> {
    let broken = || {
        Refused::with_cookie(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_session_cookie",
            "The session cookie is broken; log in again",
        ))
    };
    match CookieJar::from_headers(headers).get(COOKIE) {
        None => Ok(None),
        Some(cookie) => SessionCookie::parse(cookie.value()).map(Some).ok_or_else(broken),
    }
}

/// The session of a request, with a token that is good for it.
pub async fn session(app: &AppState, headers: &HeaderMap) -> Result<Entry, Refused> {
    let cookie = cookie(headers)?.ok_or_else(not_logged_in)?;
    let entry = entry(app, &cookie).await.map_err(Refused::with_cookie)?;
    same_user(headers, entry.user_id)?;
    Ok(entry)
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
    let entry = app.auth.renew(cookie, now).await?;
    app.cache.put(cookie, &entry, now).await?;
    Ok(entry)
}

/// `X-User-Id` is no credential: a client that sends it is only held to it.
fn same_user(headers: &HeaderMap, user_id: Uuid) -> Result<()> {
    let Some(claimed) = headers.get("x-user-id") else {
        return Ok(());
    };
    if claimed
        .to_str()
        .is_ok_and(|claimed| claimed.parse() == Ok(user_id))
    {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "user_id_mismatch",
        "X-User-Id is not the user of this session",
    ))
}
