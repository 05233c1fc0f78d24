//! Credentials, account status, roles and sessions. Start here: the routes are the table of contents.

pub mod admin;
pub mod config;
mod domain;
mod events;
mod hashing;
mod routes;
mod sessions;
mod state;
mod store;
mod token_provider;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use events::events_schema;
pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "auth";

#[derive(OpenApi)]
#[openapi(info(
    title = "auth",
    description = "Credentials, account status, roles and sessions"
))]
struct Contract;

/// All routes of the service.
pub fn app(state: AppState) -> Router {
    router().split_for_parts().0.with_state(state)
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    router().split_for_parts().1.to_pretty_json()
}

fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(routes::register::register))
        .routes(routes!(routes::login::login))
        .routes(routes!(routes::verify_email::verify_email))
        .routes(routes!(routes::renew_session::renew_session))
        .routes(routes!(routes::end_session::end_session))
        .routes(routes!(routes::contacts::contacts))
        .routes(routes!(routes::email_verifications::email_verifications))
}
