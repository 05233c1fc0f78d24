//! What has to have happened, by the answers alone: every transaction that was answered with success, once.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::operation::owner;
use super::record::Record;
use super::world::World;

/// A transaction as the API shows it, as far as the model needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Done {
    pub id: Uuid,
    pub kind: String,
    state: String,
    pub from_account_id: Option<Uuid>,
    pub to_account_id: Option<Uuid>,
    pub amount: Amount,
    hold_id: Option<Uuid>,
    refunds_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Amount {
    pub amount_minor: i64,
}

#[derive(Default)]
pub struct Model(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    done: HashMap<Uuid, Done>,
    /// What a success under a key was about: a transaction, or a batch.
    keys: HashMap<String, Uuid>,
}

/// What an account has to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub balance: i64,
    pub held: i64,
}

impl Model {
    /// A success under a key: another one under the same key has to be about the same.
    pub fn note(&self, world: &World, record: &Record, actor: usize, key: &str, answer: &Value) {
        let about = answer["batch_id"].as_str().or(answer["id"].as_str());
        let Some(about) = about.and_then(|id| id.parse::<Uuid>().ok()) else {
            return record.anomaly("a success says what was done", answer);
        };
        let earlier = self.seen().keys.insert(key.to_owned(), about);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != about) {
            record.anomaly(
                "a key has at most one effect",
                format!("{key}: {earlier} and {about}"),
            );
        }
        for done in transactions(answer) {
            match Done::deserialize(done) {
                Ok(done) => self.note_done(world, record, actor, done),
                Err(error) => record.anomaly("a transaction can be read", format!("{error}: {done}")),
            }
        }
    }

    fn note_done(&self, world: &World, record: &Record, actor: usize, done: Done) {
        if done.state != "completed" {
            if done.state != "failed" {
                record.anomaly("a final answer is final", format!("{done:?}"));
            }
            return;
        }
        let side = match done.kind.as_str() {
            "top_up" | "capture" | "void" => done.to_account_id,
            _ => done.from_account_id,
        };
        let side = side.and_then(|id| world.number(id));
        if side.map(owner) != Some(actor) {
            record.anomaly(
                "only its owner uses an account",
                format!("user {actor}: {done:?}"),
            );
        }
        self.seen().done.insert(done.id, done);
    }

    /// The ids of all that was done.
    pub fn ids(&self) -> HashSet<Uuid> {
        self.seen().done.keys().copied().collect()
    }

    /// What each account of the run has to have, given the holds that have expired.
    pub fn expected(&self, world: &World, expired: &HashSet<Uuid>) -> Vec<Expected> {
        let seen = self.seen();
        let ended: HashSet<Uuid> = seen.done.values().filter_map(|done| done.hold_id).collect();
        let mut accounts = vec![Expected::default(); world.accounts.len()];
        for done in seen.done.values() {
            let amount = done.amount.amount_minor;
            let number = |id: Option<Uuid>| id.and_then(|id| world.number(id));
            let (from, to) = (number(done.from_account_id), number(done.to_account_id));
            match done.kind.as_str() {
                "hold" => {
                    let open = !ended.contains(&done.id) && !expired.contains(&done.id);
                    if let Some(from) = from.filter(|_| open) {
                        accounts[from].held += amount;
                    }
                }
                "void" => {}
                kind => {
                    if let Some(from) = from {
                        accounts[from].balance -= amount;
                    }
                    if let Some(to) = to {
                        accounts[to].balance += amount - fee(world, kind, from, to, amount);
                    }
                }
            }
        }
        accounts
    }

    /// Everything that was given back more than once or beyond, by the answers.
    pub fn refunds_beyond(&self) -> Vec<String> {
        let seen = self.seen();
        let mut refunded: HashMap<Uuid, i64> = HashMap::new();
        for done in seen.done.values() {
            if let Some(of) = done.refunds_id {
                *refunded.entry(of).or_default() += done.amount.amount_minor;
            }
        }
        let beyond = refunded.into_iter().filter_map(|(of, sum)| {
            let paid = seen.done.get(&of).map(|done| done.amount.amount_minor);
            (paid < Some(sum)).then(|| format!("{sum} of {paid:?} of {of}"))
        });
        beyond.collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one transaction of an answer, or those of a batch.
fn transactions(answer: &Value) -> Vec<&Value> {
    match answer["results"].as_array() {
        Some(results) => results.iter().map(|result| &result["transaction"]).collect(),
        None => vec![answer],
    }
}

/// What the payee pays, rounded down: nothing for what is given back, comes from outside or from an own account.
fn fee(world: &World, kind: &str, from: Option<usize>, to: usize, amount: i64) -> i64 {
    let bears = matches!(kind, "transfer" | "capture") && from.map(owner) != Some(owner(to));
    if bears {
        amount * i64::from(world.accounts[to].fee_basis_points) / 10_000
    } else {
        0
    }
}
