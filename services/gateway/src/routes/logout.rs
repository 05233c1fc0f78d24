use axum::extract::State;
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;

use crate::access::{self, Credential, Refused};
use crate::answer::call;
use crate::auth::{self, AUTH};
use crate::domain::session::forget_cookie;
use crate::{AppState, csrf};

/// Ends this session. Whoever has none is logged out already. To be logged out everywhere: `DELETE /auth/sessions`.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("session" = []), ("bearer" = []), ()), responses((status = 204)))]
pub async fn logout(State(app): State<AppState>, headers: HeaderMap) -> Result<impl IntoResponse, Refused> {
    match access::credential(&headers)? {
        None => {}
        Some(Credential::Cookie(cookie)) => {
            csrf::check(&headers, &app.config.public_origin)?;
            // Auth first: were it the other way round, a failure between the two would leave a session that goes on.
            auth::end(&app, &cookie).await?;
            app.cache.delete(&cookie).await?;
        }
        Some(Credential::Bearer(_)) => {
            let caller = access::caller(&app, &Method::POST, &headers).await?;
            let path = format!("/auth/sessions/{}", caller.session_id);
            let request = app.sidecar.request(Method::DELETE, AUTH, &path);
            call(&app, request.header(AUTHORIZATION, caller.authorization))
                .await?
                .done()?;
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, forget_cookie())]).into_response())
}
