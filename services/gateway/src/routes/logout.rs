use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use crate::access::{self, Refused};
use crate::domain::session::forget_cookie;
use crate::{AppState, csrf};

/// Ends the session. Whoever has none is logged out already.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("session" = [])), responses((status = 204)))]
pub async fn logout(State(app): State<AppState>, headers: HeaderMap) -> Result<impl IntoResponse, Refused> {
    if let Some(cookie) = access::cookie(&headers)? {
        csrf::check(&headers, &app.config.public_origin)?;
        // Auth first: were it the other way round, a failure between the two would leave a session that goes on.
        app.auth.end(&cookie).await?;
        app.cache.delete(&cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, forget_cookie())]))
}
