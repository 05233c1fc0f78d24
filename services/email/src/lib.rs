//! Mails to users. It has no routes but those at which the sidecar delivers events.

mod contacts;
mod events;
mod kind;
mod mailer;
mod preferences;
mod state;
mod store;

use axum::Router;
use axum::routing::post;
use outbox::deliveries;
use utoipa::OpenApi;

pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "email";

#[derive(OpenApi)]
#[openapi(info(title = "email", description = "Mails to users; it is told by events only"))]
struct Contract;

/// The routes at which the sidecar delivers events.
pub fn app(state: AppState) -> Router {
    let events = Router::new()
        .route("/events/user-registered", post(events::user_registered))
        .route("/events/transaction-made", post(events::transaction_made))
        .route("/events/security-alert", post(events::security_alert));
    deliveries(events, &state.sidecar).with_state(state)
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    Contract::openapi().to_pretty_json()
}
