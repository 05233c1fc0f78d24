use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Duration, Utc};
use garde::Validate;
use identity::{Claims, ISSUER, Service};
use problem::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Issuing;
use crate::AppState;

/// `typ` of one-time tokens: no service takes one for an access token.
const ONE_TIME_TOKEN: &str = "ott+jwt";
const LONGEST_S: i64 = 7 * 24 * 3600;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneTimeRequest {
    #[garde(skip)]
    user_id: Uuid,
    #[garde(skip)]
    purpose: Purpose,
    /// Seconds.
    #[garde(range(min = 60, max = LONGEST_S))]
    ttl_s: i64,
}

/// What a one-time token is good for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    EmailVerification,
    PasswordReset,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct OneTimeResponse {
    token: String,
    expires_at: DateTime<Utc>,
}

/// A token that proves, once, that its bearer got a mail. Auth sees to it that it is used once.
#[utoipa::path(post, path = "/internal/tokens/one-time", tag = "internal", request_body = OneTimeRequest,
    security(("service" = ["auth", "tokens:issue"])),
    responses((status = 200, body = OneTimeResponse)))]
pub async fn issue_one_time(
    State(app): State<AppState>,
    _: Service<Issuing>,
    problem::Json(request): problem::Json<OneTimeRequest>,
) -> Result<Json<OneTimeResponse>> {
    let now = Utc::now();
    let expires_at = now + Duration::seconds(request.ttl_s);
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: "auth".to_owned(),
        sub: request.user_id.to_string(),
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
        jti: Uuid::now_v7(),
        sid: None,
        roles: Vec::new(),
        scope: String::new(),
        purpose: Some(request.purpose.name().to_owned()),
    };
    Ok(Json(OneTimeResponse {
        token: app.keys.sign(ONE_TIME_TOKEN, &claims)?,
        expires_at,
    }))
}
