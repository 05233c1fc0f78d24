//! Credentials, account status, roles and sessions. Start here: the routes are the table of contents.

pub mod admin;
pub mod config;
mod confirm;
mod domain;
mod events;
mod hashing;
mod one_time;
mod refresh;
pub mod retention;
mod routes;
mod second_factor;
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
        .routes(routes!(routes::verify_email::verify_email))
        .routes(routes!(routes::request_password_reset::request_password_reset))
        .routes(routes!(routes::reset_password::reset_password))
        .routes(routes!(routes::login::login))
        .routes(routes!(routes::renew_session::renew_session))
        .routes(routes!(routes::refresh_session::refresh_session))
        .routes(routes!(routes::end_session::end_session))
        .routes(routes!(routes::show_account::show_account))
        .routes(routes!(routes::change_password::change_password))
        .routes(routes!(routes::start_totp::start_totp))
        .routes(routes!(routes::confirm_totp::confirm_totp))
        .routes(routes!(routes::disable_totp::disable_totp))
        .routes(routes!(routes::new_recovery_codes::new_recovery_codes))
        .routes(routes!(
            routes::list_sessions::list_sessions,
            routes::end_all_sessions::end_all_sessions
        ))
        .routes(routes!(routes::end_own_session::end_own_session))
        .routes(routes!(routes::confirm_password::confirm_password))
        .routes(routes!(routes::erase_user::erase_user))
        .routes(routes!(routes::list_users::list_users))
        .routes(routes!(
            routes::show_user::show_user,
            routes::change_user::change_user
        ))
        .routes(routes!(routes::end_sessions_of_user::end_sessions_of_user))
        .routes(routes!(routes::contacts::contacts))
        .routes(routes!(routes::usernames::usernames))
        .routes(routes!(routes::email_verifications::email_verifications))
        .routes(routes!(routes::password_resets::password_resets))
}
