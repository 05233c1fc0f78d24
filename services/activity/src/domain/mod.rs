//! Which event says what to whom.

use chrono::{DateTime, Utc};
use money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// A line of a user's feed.
#[derive(Debug, PartialEq)]
pub struct Item {
    pub user_id: Uuid,
    pub kind: &'static str,
    pub data: Value,
}

/// `USER_REGISTERED`
#[derive(Serialize, Deserialize)]
pub struct UserRegistered {
    pub user_id: Uuid,
}

/// `USER_LOGGED_IN`
#[derive(Serialize, Deserialize)]
pub struct UserLoggedIn {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub first_login: bool,
}

/// `TRANSACTION_MADE`
#[derive(Clone, Serialize, Deserialize)]
pub struct TransactionMade {
    pub transaction_id: Uuid,
    /// `transfer` or `top_up`.
    pub kind: String,
    pub from_account_id: Option<Uuid>,
    pub to_account_id: Uuid,
    pub from_user_id: Option<Uuid>,
    pub to_user_id: Uuid,
    pub amount: Money,
    pub completed_at: DateTime<Utc>,
}

/// An event that says something to somebody.
pub trait Tells {
    fn items(&self) -> Vec<Item>;
}

impl Tells for UserRegistered {
    fn items(&self) -> Vec<Item> {
        vec![Item {
            user_id: self.user_id,
            kind: "registered",
            data: json!({}),
        }]
    }
}

impl Tells for UserLoggedIn {
    fn items(&self) -> Vec<Item> {
        let data = json!({ "session_id": self.session_id, "first_login": self.first_login });
        vec![Item {
            user_id: self.user_id,
            kind: "logged_in",
            data,
        }]
    }
}

impl Tells for TransactionMade {
    /// Both parties see it, each from their own side; who pays to themselves sees it once.
    fn items(&self) -> Vec<Item> {
        let item = |user_id, kind, account_id: Uuid| Item {
            user_id,
            kind,
            data: json!({ "transaction_id": self.transaction_id, "account_id": account_id, "amount": self.amount }),
        };
        match (self.from_user_id, self.from_account_id) {
            (Some(payer), Some(account)) if payer == self.to_user_id => vec![item(payer, "moved", account)],
            (Some(payer), Some(account)) => {
                vec![
                    item(payer, "sent", account),
                    item(self.to_user_id, "received", self.to_account_id),
                ]
            }
            _ => vec![item(self.to_user_id, "topped_up", self.to_account_id)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(from_user_id: Option<Uuid>, to_user_id: Uuid) -> Vec<(Uuid, &'static str)> {
        let event = TransactionMade {
            transaction_id: Uuid::now_v7(),
            kind: "transfer".into(),
            from_account_id: from_user_id.map(|_| Uuid::now_v7()),
            to_account_id: Uuid::now_v7(),
            from_user_id,
            to_user_id,
            amount: serde_json::from_value(json!({ "amount_minor": 1, "currency": "EUR" })).unwrap(),
            completed_at: Utc::now(),
        };
        event
            .items()
            .into_iter()
            .map(|item| (item.user_id, item.kind))
            .collect()
    }

    #[test]
    fn both_parties_see_a_transfer_from_their_side() {
        let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(made(Some(ada), bob), [(ada, "sent"), (bob, "received")]);
        assert_eq!(made(Some(ada), ada), [(ada, "moved")]);
        assert_eq!(made(None, bob), [(bob, "topped_up")]);
    }
}
