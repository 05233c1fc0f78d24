//! Every token of the system: who may have which, signed with keys that only this service holds. Start here: the routes
//! are the table of contents.

pub mod clients;
pub mod domain;
mod issue;
pub mod keyring;
pub mod retention;
mod routes;
mod state;
pub mod store;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use state::{AppState, Lifetimes, schedule_from_env};

/// This service's app-id.
pub const APP_ID: &str = "token-provider";

#[derive(OpenApi)]
#[openapi(info(
    title = "token-provider",
    description = "Signing keys and every token of the system"
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
        .routes(routes!(routes::jwks::jwks))
        .routes(routes!(routes::client_credentials::client_credentials))
        .routes(routes!(routes::issue_tokens::issue_tokens))
        .routes(routes!(routes::refresh_tokens::refresh_tokens))
        .routes(routes!(routes::revoke_tokens::revoke_tokens))
        .routes(routes!(routes::issue_one_time::issue_one_time))
        .routes(routes!(routes::list_signing_keys::list_signing_keys))
        .routes(routes!(routes::rotate_signing_keys::rotate_signing_keys))
}
