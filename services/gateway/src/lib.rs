//! The public API: browser sessions, the token cache, and the routes that are forwarded. Start here: the routes are the
//! table of contents.

mod access;
mod alerts;
mod answer;
mod auth;
mod cache;
pub mod config;
mod csrf;
pub mod domain;
mod events;
mod forward;
mod head_start;
mod limits;
pub mod openapi;
mod provisioning;
mod renewal;
mod routes;
mod state;
mod stopping;
mod stream;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use inbox::trusted;
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

/// All routes that the outside can reach, and the one at which the sidecar delivers events.
pub fn app(state: AppState) -> Router {
    let events = Router::new().route("/events/session-revoked", post(events::session_revoked));
    own_routes()
        .split_for_parts()
        .0
        .merge(forward::routes())
        .route("/openapi.json", get(openapi::show))
        .route_layer(from_fn_with_state(state.clone(), limits::limited))
        .merge(trusted(events, &state.sidecar))
        .with_state(state)
}

/// The JSON Schema of a topic's `data`, which is `contract/events/<TOPIC>.schema.json`.
pub fn events_schema(topic: &str) -> anyhow::Result<String> {
    anyhow::ensure!(topic == alert::TOPIC, "this service does not publish {topic}");
    Ok(serde_json::to_string_pretty(&schemars::schema_for!(
        alert::Alert
    ))?)
}

fn own_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(routes::login::login))
        .routes(routes!(routes::logout::logout))
        .routes(routes!(routes::session::session))
        .routes(routes!(routes::export_user::export_user))
        .routes(routes!(routes::delete_user::delete_user))
}
