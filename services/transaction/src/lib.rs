//! Movements of money: their life cycle, idempotency and history. Start here: the routes are the table of contents.

mod answer;
pub mod config;
mod domain;
mod events;
pub mod expiry;
mod ledger;
mod people;
pub mod recovery;
pub mod retention;
mod routes;
pub mod schedules;
pub mod settler;
mod state;
mod store;

use axum::{Router, extract::DefaultBodyLimit};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use events::events_schema;
pub use state::AppState;

#[derive(OpenApi)]
#[openapi(info(
    title = "transaction",
    description = "Movements of money: their life cycle, idempotency and history"
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
        .routes(routes!(routes::create_transaction, routes::list_transactions))
        .routes(routes!(routes::show_transaction))
        .routes(routes!(routes::create_refund))
        .routes(routes!(routes::create_top_up))
        .routes(routes!(routes::create_withdrawal))
        .routes(routes!(routes::create_hold, routes::list_holds))
        .routes(routes!(routes::show_hold))
        .routes(routes!(routes::capture_hold))
        .routes(routes!(routes::void_hold))
        .merge(batch())
        .merge(contacts())
        .merge(payment_requests())
        .merge(schedule_routes())
        .routes(routes!(routes::provision))
        .routes(routes!(routes::erase_user))
}

fn contacts() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routes::create_contact, routes::list_contacts))
        .routes(routes!(routes::change_contact, routes::delete_contact))
}

fn payment_requests() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            routes::create_payment_request,
            routes::list_payment_requests
        ))
        .routes(routes!(routes::show_payment_request))
        .routes(routes!(routes::pay_payment_request))
        .routes(routes!(routes::decline_payment_request))
        .routes(routes!(routes::cancel_payment_request))
}

fn schedule_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routes::create_schedule, routes::list_schedules))
        .routes(routes!(
            routes::show_schedule,
            routes::change_schedule,
            routes::cancel_schedule
        ))
}

/// A batch is larger than any other body.
fn batch() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routes::create_batch))
        .layer(DefaultBodyLimit::max(routes::BODY_LIMIT_BYTES))
}
