use axum::Json;
use axum::extract::State;
use identity::User;
use problem::{Problem, Result};
use serde::Serialize;
use utoipa::ToSchema;

use super::PasswordAgain;
use crate::AppState;
use crate::confirm::confirm_password;
use crate::domain::second_factor::{new_secret, totp};
use crate::store::second_factor;

#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// Base32, to type into an authenticator app.
    secret: String,
    /// The same, to show as a QR code: `otpauth://totp/…`.
    otpauth_url: String,
}

/// A new secret for an authenticator app (TOTP, RFC 6238). It is in use once a code of it was confirmed.
#[utoipa::path(post, path = "/auth/totp", tag = "second factor", request_body = PasswordAgain,
    security(("bearer" = ["user"])),
    responses((status = 200, body = TotpSecret), (status = 403, description = "`wrong_password`, `second_factor_invalid`"),
        (status = 409, description = "`second_factor_active`")))]
pub async fn start_totp(
    State(app): State<AppState>,
    caller: User,
    problem::Json(request): problem::Json<PasswordAgain>,
) -> Result<Json<TotpSecret>> {
    let user = confirm_password(&app, caller.id, request).await?;
    if user.totp_confirmed_at.is_some() {
        return Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            "second_factor_active",
            "There is a second factor already; take it off first",
        ));
    }
    let secret = new_secret();
    let totp = totp(secret.clone(), &user.username).map_err(|error| Problem::internal(&error))?;
    let sealed = app.sealing.seal(user.id.as_bytes(), secret)?;
    second_factor::set(&mut *app.pool.acquire().await?, user.id, Some(&sealed)).await?;
    Ok(Json(TotpSecret {
        secret: totp.secret().to_base32(),
        otpauth_url: totp.to_url()?,
    }))
}
