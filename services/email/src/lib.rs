//! Mails to users. Events queue them, a worker sends them. Start here: the routes are the table of contents.

mod addressees;
pub mod config;
mod contacts;
mod events;
mod facts;
mod kind;
mod language;
mod letter;
mod mailer;
mod preferences;
mod routes;
mod state;
mod store;
mod worker;

use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use inbox::Inbox;
use server::Background;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use state::AppState;
pub use store::retention::forget_old;
pub use worker::{Next, Worker};

/// This service's app-id.
pub const APP_ID: &str = "email";
const FORGET_PERIOD: Duration = Duration::from_mins(1);
const REPORT_PERIOD: Duration = Duration::from_secs(5);

#[derive(OpenApi)]
#[openapi(info(title = "email", description = "Mails to users; it is told by events only"))]
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
            .on::<events::UserRegistered>(self)
            .on::<events::TransactionMade>(self)
            .on::<events::PaymentRequestChanged>(self)
            .on::<events::StatementReady>(self)
            .on::<events::SecurityAlert>(self)
    }
}

/// Sends what is queued, says how long it waits, and forgets what is over.
pub fn work(state: &AppState, rate_per_s: NonZeroU32, background: &Background) {
    state.inbox().work(background);
    let worker = Worker::new(state.clone(), rate_per_s);
    background.spawn(|stop| worker.run(stop));
    let pool = state.pool.clone();
    background.every(REPORT_PERIOD, "measuring the queue", move || report(pool.clone()));
    let pool = state.pool.clone();
    background.every(FORGET_PERIOD, "forgetting old mails", move || {
        forget_old(pool.clone())
    });
}

async fn report(pool: sqlx::PgPool) -> sqlx::Result<()> {
    let oldest_s = store::queue::oldest_s(&mut *pool.acquire().await?).await?;
    metrics::gauge!("mail_queue_oldest_seconds").set(oldest_s);
    Ok(())
}

/// The OpenAPI document, which is `contract/openapi.json`.
pub fn openapi() -> serde_json::Result<String> {
    router().split_for_parts().1.to_pretty_json()
}

fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(routes::list_mails::list_mails))
        .routes(routes!(routes::retry_mail::retry_mail))
        .nest("/admin/email/dead-letters", inbox::admin())
}
