use alert::{Alert, Kind};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use garde::Validate;
use identity::Service;
use problem::Result;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Network, Sessions, limited};
use crate::AppState;
use crate::domain::credentials::normal;
use crate::domain::limits;
use crate::events::security_alert;
use crate::store::users;

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    #[garde(email, length(max = 254))]
    email: String,
}

/// Asks for a mail that sets a new password. The answer and the time that it takes are the same whether the address has an
/// account or not; the mail goes to verified addresses only.
#[utoipa::path(post, path = "/auth/password-resets", tag = "auth", request_body = PasswordResetRequest,
    security(("service" = ["gateway", "auth:sessions"])),
    responses((status = 202), (status = 429, description = "`rate_limited`")))]
pub async fn request_password_reset(
    State(app): State<AppState>,
    _: Service<Sessions>,
    Network(network): Network,
    problem::Json(request): problem::Json<PasswordResetRequest>,
) -> Result<StatusCode> {
    let (email, now) = (normal(&request.email), Utc::now());
    limited(&app, &limits::reset(&email, &network), now).await?;
    let mut tx = app.pool.begin().await?;
    let user = users::find(&mut tx, &email).await?;
    // Without a user it is an alert that nobody gets a mail of: the same work, and a trace of somebody who tries addresses.
    let alert = Alert::new(Kind::PasswordResetRequested, user.map(|user| user.id));
    outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(StatusCode::ACCEPTED)
}
