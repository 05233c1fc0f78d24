//! An operation as a request of the API.

use serde_json::{Value, json};
use uuid::Uuid;

use super::operation::{Action, Move, Part};
use super::world::World;
use crate::euro;

#[derive(Clone)]
pub struct Request {
    pub path: String,
    pub body: Value,
}

/// What an operation needs to know of one that succeeded before it.
#[derive(Clone, Copy)]
pub struct Earlier {
    pub id: Uuid,
    pub amount: i64,
}

impl Request {
    /// `None`: it refers to something that has not succeeded, or is no single request.
    pub fn of(world: &World, action: &Action, earlier: impl Fn(usize) -> Option<Earlier>) -> Option<Self> {
        let (path, body) = match action {
            Action::Transfer(what) => ("/transactions".to_owned(), both_sides(world, *what)),
            Action::TopUp { to, amount } => ("/top-ups".to_owned(), one_side(world, *to, *amount)),
            Action::Withdrawal { from, amount } => {
                ("/withdrawals".to_owned(), one_side(world, *from, *amount))
            }
            Action::Hold { what, seconds } => {
                let mut body = both_sides(world, *what);
                body["expires_in_s"] = (*seconds).into();
                ("/holds".to_owned(), body)
            }
            Action::Capture { hold, part } => {
                let hold = earlier(*hold)?;
                (format!("/holds/{}/capture", hold.id), some_of(hold, *part))
            }
            Action::Void { hold } => (format!("/holds/{}/void", earlier(*hold)?.id), json!({})),
            Action::Refund { of, part } => {
                let paid = earlier(*of)?;
                (format!("/transactions/{}/refunds", paid.id), some_of(paid, *part))
            }
            Action::Batch { items, atomic } => {
                ("/transactions/batch".to_owned(), batch(world, items, *atomic))
            }
            Action::EndTwice { .. }
            | Action::Repeat { .. }
            | Action::Reuse { .. }
            | Action::Balance
            | Action::History => return None,
        };
        Some(Self { path, body })
    }

    /// Another body for the same, as who reuses a key by mistake sends it. A void has none.
    pub fn bent(&self) -> Option<Self> {
        if self.path.ends_with("/void") {
            return None;
        }
        let mut bent = self.clone();
        let place = if self.path.ends_with("/batch") {
            &mut bent.body["items"][0]
        } else {
            &mut bent.body
        };
        let amount = if place["amount"]["amount_minor"] == 1 {
            2
        } else {
            1
        };
        place["amount"] = euro(amount);
        Some(bent)
    }
}

fn both_sides(world: &World, what: Move) -> Value {
    json!({
        "from_account_id": world.id(what.from),
        "to_account_id": world.id(what.to),
        "amount": euro(what.amount),
    })
}

fn one_side(world: &World, account: usize, amount: i64) -> Value {
    json!({ "account_id": world.id(account), "amount": euro(amount) })
}

fn batch(world: &World, items: &[Move], atomic: bool) -> Value {
    let items = items.iter().enumerate().map(|(place, item)| {
        let mut body = both_sides(world, *item);
        body["key"] = place.to_string().into();
        body
    });
    json!({ "atomic": atomic, "items": items.collect::<Vec<_>>() })
}

fn some_of(whole: Earlier, part: Part) -> Value {
    match part {
        Part::All => json!({}),
        Part::Percent(percent) => json!({ "amount": euro((whole.amount * percent / 100).max(1)) }),
        Part::TooMuch => json!({ "amount": euro(whole.amount + 1) }),
    }
}
