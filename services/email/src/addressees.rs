//! Whom the mails of a batch go to: Auth and User are asked once for all of them, when the mails are sent, so that a changed
//! address or preference is right at once.

use std::collections::{HashMap, HashSet};

use problem::Result;
use uuid::Uuid;

use crate::AppState;
use crate::contacts::{Contact, Verification};
use crate::facts::Facts;
use crate::kind::Kind;
use crate::letter::Addressee;
use crate::preferences::Chosen;
use crate::store::queue::Claimed;

pub struct Addressees {
    contacts: HashMap<Uuid, Contact>,
    /// None: User did not answer.
    chosen: Option<HashMap<Uuid, Chosen>>,
}

pub enum Found {
    /// Whoever has to be asked did not answer.
    Unknown,
    Unwanted,
    /// There is no such user any more.
    Gone,
    /// A mail of this kind, which may be another than was queued.
    Writable(Kind, Addressee),
}

impl Addressees {
    pub async fn of(app: &AppState, mails: &[Claimed]) -> Result<Self> {
        let users: HashSet<Uuid> = mails.iter().map(|mail| mail.user_id).collect();
        let other = |mail: &Claimed| mail.facts["other_user_id"].as_str()?.parse().ok();
        let people: HashSet<Uuid> = mails
            .iter()
            .filter_map(other)
            .chain(users.iter().copied())
            .collect();
        let (users, people) = (Vec::from_iter(users), Vec::from_iter(people));
        let (contacts, chosen) = tokio::join!(app.contacts.of(&people), app.preferences.of(&users));
        let contacts = contacts?
            .into_iter()
            .map(|contact| (contact.user_id, contact))
            .collect();
        let chosen = chosen.ok();
        let chosen = chosen.map(|all| all.into_iter().map(|chosen| (chosen.user_id, chosen)).collect());
        Ok(Self { contacts, chosen })
    }

    /// Tokens are made here, not before: the queue keeps none.
    pub async fn find(&self, app: &AppState, user_id: Uuid, kind: Kind, facts: &Facts) -> Result<Found> {
        let chosen = self.chosen.as_ref().and_then(|chosen| chosen.get(&user_id));
        // What nobody can go without does not wait for User either; it is in English then.
        if self.chosen.is_none() && kind.preference().is_some() {
            return Ok(Found::Unknown);
        }
        if chosen.is_some_and(|chosen| !chosen.wants(kind)) {
            return Ok(Found::Unwanted);
        }
        let language = chosen.map(Chosen::language).unwrap_or_default();
        let to = |username, email, token| Addressee {
            username,
            email,
            language,
            other: self.name(facts.other_user_id),
            token,
        };
        Ok(match kind {
            Kind::Verification => match app.contacts.verification(user_id).await? {
                None => Found::Gone,
                // The owner is told instead: so the answer to a registration need not tell a stranger whose addresses are
                // known here.
                Some(Verification::Taken { taken_by, email }) => {
                    Found::Writable(Kind::AddressTaken, to(taken_by, email, None))
                }
                Some(Verification::Free {
                    username,
                    email,
                    token,
                }) => Found::Writable(kind, to(username, email, Some(token))),
            },
            Kind::PasswordReset => match app.contacts.password_reset(user_id).await? {
                None => Found::Gone,
                Some(reset) => Found::Writable(kind, to(reset.username, reset.email, Some(reset.token))),
            },
            _ => match self.contacts.get(&user_id).cloned() {
                None => Found::Gone,
                Some(contact) => Found::Writable(kind, to(contact.username, contact.email, None)),
            },
        })
    }

    fn name(&self, user_id: Option<Uuid>) -> Option<String> {
        Some(self.contacts.get(&user_id?)?.username.clone())
    }
}
