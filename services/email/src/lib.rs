//! Mails to users.

mod contacts;
mod events;
mod kind;
mod mailer;
mod preferences;
mod state;
mod store;

use axum::Router;
use inbox::Inbox;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "email";

#[derive(OpenApi)]
#[openapi(info(title = "email", description = "Mails to users; it is told by events only"))]
struct Contract;

/// The routes for operators, and those at which the sidecar delivers events.
pub fn app(state: AppState) -> Router {
    let events = state.inbox().routes(&state.sidecar);
    router().split_for_parts().0.merge(events).with_state(state)
}

impl AppState {
    /// The events that this service takes.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox::new(self.pool.clone())
            .on::<events::UserRegistered>(self)
            .on::<events::TransactionMade>(self)
            .on::<events::SecurityAlert>(self)
    }
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    router().split_for_parts().1.to_pretty_json()
}

fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi()).nest("/admin/email/dead-letters", inbox::admin())
}
