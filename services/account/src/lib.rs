//! Accounts, balances and the double-entry ledger. Start here: the routes are the table of contents.

mod domain;
mod events;
mod ledger;
mod routes;
pub mod sealer;
mod state;
mod statement_file;
pub mod statements;
mod store;
pub mod verify;

use axum::{Router, extract::DefaultBodyLimit};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use domain::{Kind, Posting};
pub use events::events_schema;
pub use ledger::Ledger;
pub use state::AppState;

#[derive(OpenApi)]
#[openapi(info(
    title = "account",
    description = "Accounts, balances and the double-entry ledger"
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
        .routes(routes!(routes::list_account_types))
        .routes(routes!(routes::list_accounts))
        .routes(routes!(routes::open_account))
        .routes(routes!(routes::show_account))
        .routes(routes!(routes::change_account))
        .routes(routes!(routes::close_account))
        .routes(routes!(routes::account_entries))
        .routes(routes!(routes::list_balances))
        .routes(routes!(routes::show_balance))
        .routes(routes!(routes::show_statement))
        .routes(routes!(routes::show_any_account))
        .routes(routes!(routes::freeze_account))
        .routes(routes!(routes::unfreeze_account))
        .routes(routes!(routes::change_limits))
        .routes(routes!(routes::resolve_payee))
        .routes(routes!(routes::provision))
        .routes(routes!(routes::erase_user))
        .routes(routes!(routes::start_verification, routes::show_verification))
        .merge(postings())
}

/// A batch of postings is larger than what a client sends.
fn postings() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routes::post_postings))
        .layer(DefaultBodyLimit::max(routes::BODY_LIMIT_BYTES))
}
