//! What arrives by topic: each event becomes a line of the audit log, lines of feeds and entries for the auditor, in
//! one transaction, once.

use axum::extract::State;
use chrono::Utc;
use outbox::{Outcome, Received, first_delivery};
use problem::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::{SecurityAlert, SessionRevoked, Tells, TransactionMade, UserLoggedIn, UserRegistered};
use crate::{AppState, store};

/// An event's data is taken as it is, since the log keeps it so.
type Event = Received<Value>;

pub async fn user_registered(State(app): State<AppState>, event: Event) -> Result<Outcome> {
    note::<UserRegistered>(&app, &event, "payme.user.registered.v1").await
}

pub async fn user_logged_in(State(app): State<AppState>, event: Event) -> Result<Outcome> {
    note::<UserLoggedIn>(&app, &event, "payme.user.logged_in.v1").await
}

pub async fn session_revoked(State(app): State<AppState>, event: Event) -> Result<Outcome> {
    note::<SessionRevoked>(&app, &event, "payme.session.revoked.v1").await
}

pub async fn security_alert(State(app): State<AppState>, event: Event) -> Result<Outcome> {
    note::<SecurityAlert>(&app, &event, "payme.security_alert.raised.v1").await
}

pub async fn transaction_made(State(app): State<AppState>, event: Event) -> Result<Outcome> {
    note::<TransactionMade>(&app, &event, "payme.transaction.made.v1").await
}

async fn note<'de, T: Tells + Deserialize<'de>>(
    app: &AppState,
    event: &'de Event,
    known: &str,
) -> Result<Outcome> {
    if !event.is(known) {
        return Ok(Outcome::Drop);
    }
    let Ok(told) = T::deserialize(&event.data) else {
        tracing::error!(kind = event.kind, event_id = %event.id, "an event's data could not be read; dropped");
        return Ok(Outcome::Drop);
    };
    let mut tx = app.pool.begin().await?;
    if first_delivery(&mut tx, event.id).await? {
        store::append_to_log(&mut tx, event, Utc::now()).await?;
        let items = told.items();
        let users: Vec<_> = items.iter().map(|item| item.user_id).collect();
        store::live::take_feeds(&mut tx, &users).await?;
        for item in items {
            store::add_to_feed(&mut tx, event.id, &item, event.time).await?;
        }
        store::live::wake_streams(&mut tx, &users).await?;
        store::audit::note_entries(&mut tx, &told.entries()).await?;
        tx.commit().await?;
    }
    Ok(Outcome::Success)
}
