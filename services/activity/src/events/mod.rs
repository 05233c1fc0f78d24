//! What arrives by topic: each event becomes a line of the audit log and lines of feeds, in one transaction, once.

use axum::extract::State;
use chrono::Utc;
use outbox::{Outcome, Received, first_delivery};
use problem::Result;
use serde::Serialize;

use crate::domain::{Tells, TransactionMade, UserLoggedIn, UserRegistered};
use crate::{AppState, store};

pub async fn user_registered(
    State(app): State<AppState>,
    event: Received<UserRegistered>,
) -> Result<Outcome> {
    note(&app, &event, "payme.user.registered.v1").await
}

pub async fn user_logged_in(State(app): State<AppState>, event: Received<UserLoggedIn>) -> Result<Outcome> {
    note(&app, &event, "payme.user.logged_in.v1").await
}

pub async fn transaction_made(
    State(app): State<AppState>,
    event: Received<TransactionMade>,
) -> Result<Outcome> {
    note(&app, &event, "payme.transaction.made.v1").await
}

async fn note<T: Tells + Serialize>(app: &AppState, event: &Received<T>, known: &str) -> Result<Outcome> {
    if !event.is(known) {
        return Ok(Outcome::Drop);
    }
    let mut tx = app.pool.begin().await?;
    if first_delivery(&mut tx, event.id).await? {
        store::append_to_log(&mut tx, event, Utc::now()).await?;
        for item in event.data.items() {
            store::add_to_feed(&mut tx, event.id, &item, event.time).await?;
        }
        tx.commit().await?;
    }
    Ok(Outcome::Success)
}
