//! Profiles and preferences of users. Start here: the routes are the table of contents.

mod domain;
mod events;
mod merge_patch;
mod routes;
mod state;
mod store;

use axum::Router;
use inbox::Inbox;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use state::AppState;

/// This service's app-id.
pub const APP_ID: &str = "user";

#[derive(OpenApi)]
#[openapi(info(title = "user", description = "Profiles and preferences of users"))]
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
        Inbox::new(self.pool.clone()).on::<events::UserRegistered>(self)
    }
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    router().split_for_parts().1.to_pretty_json()
}

fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(
            routes::show_profile::show_profile,
            routes::change_profile::change_profile
        ))
        .routes(routes!(
            routes::show_preferences::show_preferences,
            routes::change_preferences::change_preferences
        ))
        .routes(routes!(routes::preferences_of_users::preferences_of_users))
        .routes(routes!(routes::provision::provision))
        .routes(routes!(routes::erase_user::erase_user))
        .nest("/admin/user/dead-letters", inbox::admin())
}
