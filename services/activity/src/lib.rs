//! Each user's feed, the audit log of everything that was announced, and the auditor of the ledger. Start here: the routes are the table of contents.

pub mod auditor;
pub mod config;
mod domain;
mod events;
mod ledger;
pub mod live;
pub mod retention;
mod routes;
pub mod sealer;
mod state;
mod store;
pub mod verify;
pub mod work;

use axum::Router;
use inbox::Inbox;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use domain::{
    PaymentRequestChanged, SecurityAlert, SessionRevoked, StatementReady, TransactionMade, UserLoggedIn,
    UserRegistered,
};
use events::Noted;
pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "activity";

#[derive(OpenApi)]
#[openapi(info(title = "activity", description = "Each user's feed and the audit log"))]
struct Contract;

/// All routes of the service, and those at which the sidecar delivers events.
pub fn app(state: AppState) -> Router {
    let events = state.inbox().routes(&state.sidecar);
    router().split_for_parts().0.merge(events).with_state(state)
}

impl AppState {
    /// The events that this service takes.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox::new(self.pool.clone())
            .on::<Noted<UserRegistered>>(self)
            .on::<Noted<UserLoggedIn>>(self)
            .on::<Noted<SessionRevoked>>(self)
            .on::<Noted<SecurityAlert>>(self)
            .on::<Noted<TransactionMade>>(self)
            .on::<Noted<PaymentRequestChanged>>(self)
            .on::<Noted<StatementReady>>(self)
    }
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    router().split_for_parts().1.to_pretty_json()
}

fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(routes::list_activity::list_activity))
        .routes(routes!(routes::stream_activity::stream_activity))
        .routes(routes!(routes::show_audit::show_audit))
        .routes(routes!(routes::list_audit_log::list_audit_log))
        .routes(routes!(routes::verify_audit_log::verify_audit_log))
        .nest("/admin/activity/dead-letters", inbox::admin())
}
