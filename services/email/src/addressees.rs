//! Whom the mails of a batch go to: User is asked once for all of them, and Auth for those that are wanted, when the mails are sent,
//! so that a changed address or preference is right at once.

use std::collections::{HashMap, HashSet};

use problem::Result;
use uuid::Uuid;

use crate::AppState;
use crate::contacts::{Contact, Verification};
use crate::facts::Facts;
use crate::kind::Kind;
use crate::letter::Addressee;
use crate::preferences::Chosen;
use crate::store::queue::Mail;

pub struct Addressees {
    contacts: HashMap<Uuid, Contact>,
    wishes: Wishes,
}

pub enum Found {
    /// Whoever has to be asked did not answer.
    Unknown,
    /// There is no such user any more.
    Gone,
    /// A mail of this kind, which may be another than was queued.
    Writable(Kind, Addressee),
}

/// What the people of a batch want to hear of. None: User did not answer.
pub struct Wishes(Option<HashMap<Uuid, Chosen>>);

impl Wishes {
    pub async fn of(app: &AppState, mails: &[Mail]) -> Self {
        let users: HashSet<Uuid> = mails.iter().map(|mail| mail.user_id).collect();
        let chosen = app.preferences.of(&Vec::from_iter(users)).await.ok();
        Self(chosen.map(|all| all.into_iter().map(|chosen| (chosen.user_id, chosen)).collect()))
    }

    /// A kind that this version does not know is nothing that anybody could have chosen to miss.
    pub fn turn_down(&self, mail: &Mail) -> bool {
        let kind = Kind::of(&mail.kind);
        let chosen = self.chosen_by(mail.user_id);
        kind.zip(chosen).is_some_and(|(kind, chosen)| !chosen.wants(kind))
    }

    fn chosen_by(&self, user_id: Uuid) -> Option<&Chosen> {
        self.0.as_ref()?.get(&user_id)
    }
}

impl Addressees {
    pub async fn of(app: &AppState, mails: &[Mail], wishes: Wishes) -> Result<Self> {
        let other = |mail: &Mail| mail.facts["other_user_id"].as_str()?.parse().ok();
        let people: HashSet<Uuid> = mails
            .iter()
            .filter_map(other)
            .chain(mails.iter().map(|mail| mail.user_id))
            .collect();
        let contacts = app.contacts.of(&Vec::from_iter(people)).await?;
        let contacts = contacts
            .into_iter()
            .map(|contact| (contact.user_id, contact))
            .collect();
        Ok(Self { contacts, wishes })
    }

    /// Tokens are made here, not before: the queue keeps none.
    pub async fn find(&self, app: &AppState, user_id: Uuid, kind: Kind, facts: &Facts) -> Result<Found> {
        // What nobody can go without does not wait for User either; it is in English then.
        if self.wishes.0.is_none() && kind.preference().is_some() {
            return Ok(Found::Unknown);
        }
        let chosen = self.wishes.chosen_by(user_id);
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
