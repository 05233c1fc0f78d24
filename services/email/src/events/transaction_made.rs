use chrono::{DateTime, Utc};
use inbox::{Effect, Event, Received};
use minijinja::context;
use money::Money;
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{in_words, send_once};
use crate::AppState;
use crate::contacts::Contact;
use crate::kind::Kind;

/// `TRANSACTION_MADE`, as far as mails tell of it.
#[derive(Deserialize)]
pub struct TransactionMade {
    transaction_id: Uuid,
    /// A word, which may be newer than this service.
    kind: String,
    from_user_id: Option<Uuid>,
    to_user_id: Uuid,
    amount: Money,
    completed_at: DateTime<Utc>,
}

impl TransactionMade {
    /// Who gets which mail; who pays to themselves gets one.
    fn mails(&self) -> Vec<(Uuid, Kind)> {
        match (self.from_user_id, self.kind.as_str()) {
            (None, _) => vec![(self.to_user_id, Kind::ToppedUp)],
            (Some(payer), "withdrawal") => vec![(payer, Kind::Withdrawn)],
            (Some(payer), _) if payer == self.to_user_id => vec![(payer, Kind::Sent)],
            (Some(payer), "refund") => vec![(payer, Kind::Sent), (self.to_user_id, Kind::Refunded)],
            (Some(payer), _) => vec![(payer, Kind::Sent), (self.to_user_id, Kind::Received)],
        }
    }
}

/// Both parties get a mail, unless they chose to go without.
async fn transaction_made(app: &AppState, event: &Received<TransactionMade>) -> Result<()> {
    let made = &event.data;
    let mails = app.preferences.wanted(made.mails()).await?;
    if mails.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = made.from_user_id.into_iter().chain([made.to_user_id]).collect();
    let contacts = app.contacts.of(&ids).await?;
    let find = |user_id: Uuid| contacts.iter().find(|contact| contact.user_id == user_id);
    let name = |contact: Option<&Contact>| contact.map_or("somebody", |contact| &contact.username).to_owned();
    for (user_id, kind) in mails {
        // Who is gone gets no mail.
        let Some(contact) = find(user_id) else { continue };
        let other = match kind {
            Kind::Received | Kind::Refunded => made.from_user_id.and_then(find),
            _ => find(made.to_user_id),
        };
        let facts = context! {
            username => contact.username.as_str(),
            other => name(other),
            amount => made.amount.to_string(),
            when => in_words(made.completed_at),
            transaction_id => made.transaction_id.to_string(),
        };
        send_once(app, event.id, user_id, kind, &contact.email, facts).await?;
    }
    Ok(())
}

impl Event for TransactionMade {
    const TOPIC: &'static str = "TRANSACTION_MADE";
    const KIND: &'static str = "payme.transaction.made.v1";
}

impl Effect<TransactionMade> for AppState {
    async fn apply(&self, _: &mut PgConnection, events: &[Received<TransactionMade>]) -> Result<()> {
        for event in events {
            transaction_made(self, event).await?;
        }
        Ok(())
    }
}
