//! The public API: browser sessions, the token cache, and the routes that are forwarded. Start here: the routes are the
//! table of contents.

mod access;
mod auth;
mod cache;
pub mod config;
mod csrf;
pub mod domain;
mod forward;
pub mod openapi;
mod provisioning;
mod renewal;
mod routes;
mod state;

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use domain::seal::Pepper;
pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "gateway";

#[derive(OpenApi)]
#[openapi(info(
    title = "PayMe",
    description = "Register, log in and move money. Errors are RFC 9457 problems with a stable `code`; amounts are whole minor units."
))]
struct Contract;

/// All routes that the outside can reach.
pub fn app(state: AppState) -> Router {
    own_routes()
        .split_for_parts()
        .0
        .merge(forward::routes())
        .route("/openapi.json", get(openapi::show))
        .with_state(state)
}

fn own_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(routes::register::register))
        .routes(routes!(routes::verify_email::verify_email))
        .routes(routes!(routes::login::login))
        .routes(routes!(routes::logout::logout))
        .routes(routes!(routes::session::session))
}
