//! What arrives by topic.

use axum::extract::{Request, State};
use axum::response::Response;
use inbox::{Delivery, Event, Received};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use crate::AppState;

/// `SESSION_REVOKED`, as far as the cache needs it.
#[derive(Deserialize)]
pub struct SessionRevoked {
    session_id: Uuid,
}

impl Event for SessionRevoked {
    const TOPIC: &'static str = "SESSION_REVOKED";
    const KIND: &'static str = "payme.session.revoked.v1";
}

/// Sessions have ended: their entries go, and nothing brings them back. A repeat changes nothing, so no inbox is needed.
/// There is no database for dead letters either: what can't be read ends no session, and is logged.
pub async fn session_revoked(State(app): State<AppState>, request: Request) -> Result<Response> {
    let delivery = Delivery::read(request).await?;
    for event in delivery.events() {
        if let Ok(event) = Received::<SessionRevoked>::read(event) {
            app.cache.end(event.data.session_id).await?;
        } else {
            tracing::error!("an event could not be read; ignored");
        }
    }
    Ok(delivery.done())
}
