//! Which event says what to whom. Of each event only what feeds need is read; the audit log keeps it whole.

pub mod audit;
pub mod words;

use money::{Minor, Money};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use audit::Entry;

/// A line of a user's feed.
#[derive(Debug, PartialEq)]
pub struct Item {
    pub user_id: Uuid,
    pub kind: &'static str,
    pub data: Value,
}

/// `USER_REGISTERED`
#[derive(Deserialize)]
pub struct UserRegistered {
    user_id: Uuid,
}

/// `USER_LOGGED_IN`
#[derive(Deserialize)]
pub struct UserLoggedIn {
    user_id: Uuid,
    session_id: Uuid,
    first_login: bool,
}

/// `SESSION_REVOKED`
#[derive(Deserialize)]
pub struct SessionRevoked {
    user_id: Uuid,
    session_id: Uuid,
    /// A word, which may be newer than this service.
    reason: String,
}

/// `SECURITY_ALERT`
#[derive(Deserialize)]
pub struct SecurityAlert {
    /// A word, which may be newer than this service.
    kind: String,
    /// None: it is about the system, not about somebody's account.
    user_id: Option<Uuid>,
    session_id: Option<Uuid>,
    device: Option<String>,
}

/// `TRANSACTION_MADE`
#[derive(Deserialize)]
pub struct TransactionMade {
    transaction_id: Uuid,
    /// A word, which may be newer than this service.
    kind: String,
    /// None: the money came from outside.
    from_account_id: Option<Uuid>,
    to_account_id: Uuid,
    from_user_id: Option<Uuid>,
    /// The payer, if the money went outside.
    to_user_id: Uuid,
    amount: Money,
    /// What was written into the ledger. Old events do not say.
    #[serde(default)]
    entries: Vec<Entry>,
}

/// `PAYMENT_REQUEST_CHANGED`
#[derive(Deserialize)]
pub struct PaymentRequestChanged {
    payment_request_id: Uuid,
    /// A word, which may be newer than this service.
    state: String,
    requester_user_id: Uuid,
    payer_user_id: Uuid,
    amount: Money,
}

/// `STATEMENT_READY`
#[derive(Deserialize)]
pub struct StatementReady {
    user_id: Uuid,
    account_id: Uuid,
    /// As `2026-11`.
    month: String,
    opening: Money,
    closing: Money,
}

/// An event that says something to somebody.
pub trait Tells: DeserializeOwned + Send + Sync + 'static {
    const TOPIC: &'static str;
    /// The CloudEvent's `type`.
    const KIND: &'static str;

    fn items(&self) -> Vec<Item>;

    /// What it tells of the ledger.
    fn entries(&self) -> Vec<Entry> {
        Vec::new()
    }
}

impl Tells for UserRegistered {
    const TOPIC: &'static str = "USER_REGISTERED";
    const KIND: &'static str = "payme.user.registered.v1";

    fn items(&self) -> Vec<Item> {
        vec![Item {
            user_id: self.user_id,
            kind: "registered",
            data: json!({}),
        }]
    }
}

impl Tells for UserLoggedIn {
    const TOPIC: &'static str = "USER_LOGGED_IN";
    const KIND: &'static str = "payme.user.logged_in.v1";

    fn items(&self) -> Vec<Item> {
        let data = json!({ "session_id": self.session_id, "first_login": self.first_login });
        vec![Item {
            user_id: self.user_id,
            kind: "logged_in",
            data,
        }]
    }
}

impl Tells for SessionRevoked {
    const TOPIC: &'static str = "SESSION_REVOKED";
    const KIND: &'static str = "payme.session.revoked.v1";

    fn items(&self) -> Vec<Item> {
        vec![Item {
            user_id: self.user_id,
            kind: "session_ended",
            data: json!({ "session_id": self.session_id, "reason": self.reason }),
        }]
    }
}

impl Tells for SecurityAlert {
    const TOPIC: &'static str = "SECURITY_ALERT";
    const KIND: &'static str = "payme.security_alert.raised.v1";

    /// The owner sees every alert about their account, also one of a kind that is new.
    fn items(&self) -> Vec<Item> {
        let Some(user_id) = self.user_id else {
            return Vec::new();
        };
        let mut data = json!({ "alert": self.kind });
        if let Some(device) = &self.device {
            data["device"] = json!(device);
        }
        if let Some(session_id) = self.session_id {
            data["session_id"] = json!(session_id);
        }
        vec![Item {
            user_id,
            kind: "security_alert",
            data,
        }]
    }
}

impl Tells for TransactionMade {
    const TOPIC: &'static str = "TRANSACTION_MADE";
    const KIND: &'static str = "payme.transaction.made.v1";

    /// Both parties see it, each from their own side; who pays to themselves sees it once.
    fn items(&self) -> Vec<Item> {
        let item = |user_id, kind, account_id: Uuid| Item {
            user_id,
            kind,
            data: json!({ "transaction_id": self.transaction_id, "account_id": account_id, "amount": self.amount }),
        };
        match self.from_user_id.zip(self.from_account_id) {
            Some((payer, account)) if self.kind == "withdrawal" => vec![item(payer, "withdrawn", account)],
            Some((payer, account)) if payer == self.to_user_id => vec![item(payer, "moved", account)],
            Some((payer, account)) => {
                vec![
                    item(payer, "sent", account),
                    item(self.to_user_id, "received", self.to_account_id),
                ]
            }
            None => vec![item(self.to_user_id, "topped_up", self.to_account_id)],
        }
    }

    /// An old event tells of two entries. It does not name an account outside: the id of zeros stands for all of them.
    fn entries(&self) -> Vec<Entry> {
        if !self.entries.is_empty() {
            return self.entries.clone();
        }
        let entry = |account_id, amount_minor| Entry {
            account_id,
            amount_minor,
        };
        let Minor(amount) = self.amount.amount_minor;
        vec![
            entry(self.from_account_id.unwrap_or_default(), amount.saturating_neg()),
            entry(self.to_account_id, amount),
        ]
    }
}

impl Tells for PaymentRequestChanged {
    const TOPIC: &'static str = "PAYMENT_REQUEST_CHANGED";
    const KIND: &'static str = "payme.payment_request.changed.v1";

    /// Each party sees what the other one did, and both that its time is over. Other states are in the log only.
    fn items(&self) -> Vec<Item> {
        let item = |user_id, kind| Item {
            user_id,
            kind,
            data: json!({ "payment_request_id": self.payment_request_id, "amount": self.amount }),
        };
        match self.state.as_str() {
            "open" => vec![item(self.payer_user_id, "money_requested")],
            "declined" => vec![item(self.requester_user_id, "request_declined")],
            "cancelled" => vec![item(self.payer_user_id, "request_cancelled")],
            "expired" => vec![
                item(self.requester_user_id, "request_expired"),
                item(self.payer_user_id, "request_expired"),
            ],
            _ => Vec::new(),
        }
    }
}

impl Tells for StatementReady {
    const TOPIC: &'static str = "STATEMENT_READY";
    const KIND: &'static str = "payme.statement.ready.v1";

    fn items(&self) -> Vec<Item> {
        let data = json!({
            "account_id": self.account_id, "month": self.month, "opening": self.opening, "closing": self.closing,
        });
        vec![Item {
            user_id: self.user_id,
            kind: "statement_ready",
            data,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(from_user_id: Option<Uuid>, to_user_id: Uuid) -> TransactionMade {
        TransactionMade {
            transaction_id: Uuid::now_v7(),
            kind: "transfer".to_owned(),
            from_account_id: from_user_id.map(|_| Uuid::now_v7()),
            to_account_id: Uuid::now_v7(),
            from_user_id,
            to_user_id,
            amount: serde_json::from_value(json!({ "amount_minor": 1, "currency": "EUR" })).unwrap(),
            entries: vec![],
        }
    }

    fn told(event: &TransactionMade) -> Vec<(Uuid, &'static str)> {
        event
            .items()
            .into_iter()
            .map(|item| (item.user_id, item.kind))
            .collect()
    }

    fn made(from_user_id: Option<Uuid>, to_user_id: Uuid) -> Vec<(Uuid, &'static str)> {
        told(&event(from_user_id, to_user_id))
    }

    #[test]
    fn both_parties_see_a_transfer_from_their_side() {
        let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(made(Some(ada), bob), [(ada, "sent"), (bob, "received")]);
        assert_eq!(made(Some(ada), ada), [(ada, "moved")]);
        assert_eq!(made(None, bob), [(bob, "topped_up")]);
        let withdrawal = TransactionMade {
            kind: "withdrawal".to_owned(),
            ..event(Some(ada), ada)
        };
        assert_eq!(told(&withdrawal), [(ada, "withdrawn")]);
    }

    #[test]
    fn the_entries_of_old_events_are_their_two_sides() {
        let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
        let sides = |event: &TransactionMade| -> Vec<(Uuid, i64)> {
            let entries = event.entries().into_iter();
            entries
                .map(|entry| (entry.account_id, entry.amount_minor))
                .collect()
        };
        let transfer = event(Some(ada), bob);
        let from = transfer.from_account_id.unwrap();
        assert_eq!(sides(&transfer), [(from, -1), (transfer.to_account_id, 1)]);
        let top_up = event(None, bob);
        assert_eq!(sides(&top_up), [(Uuid::nil(), -1), (top_up.to_account_id, 1)]);
    }

    #[test]
    fn each_party_of_a_request_sees_what_the_other_did_and_both_see_its_end() {
        let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
        let told = |state: &str| -> Vec<(Uuid, &'static str)> {
            let request = PaymentRequestChanged {
                payment_request_id: Uuid::now_v7(),
                state: state.to_owned(),
                requester_user_id: ada,
                payer_user_id: bob,
                amount: serde_json::from_value(json!({ "amount_minor": 1, "currency": "EUR" })).unwrap(),
            };
            let items = request.items().into_iter();
            items.map(|item| (item.user_id, item.kind)).collect()
        };
        assert_eq!(told("open"), [(bob, "money_requested")]);
        assert_eq!(told("declined"), [(ada, "request_declined")]);
        assert_eq!(told("cancelled"), [(bob, "request_cancelled")]);
        assert_eq!(
            told("expired"),
            [(ada, "request_expired"), (bob, "request_expired")]
        );
        assert_eq!(told("of_next_year"), []);
    }

    fn alert(data: Value) -> Vec<Item> {
        let alert: SecurityAlert = serde_json::from_value(data).unwrap();
        alert.items()
    }

    #[test]
    fn an_alert_of_a_kind_that_is_new_is_shown_to_its_owner() {
        let (ada, session_id) = (Uuid::now_v7(), Uuid::now_v7());
        let seen = alert(json!({
            "kind": "a_kind_of_next_year", "user_id": ada, "session_id": session_id, "device": "Firefox on Linux",
        }));
        let data =
            json!({ "alert": "a_kind_of_next_year", "session_id": session_id, "device": "Firefox on Linux" });
        let expected = Item {
            user_id: ada,
            kind: "security_alert",
            data,
        };
        assert_eq!(seen, [expected]);
    }

    #[test]
    fn an_alert_that_names_no_user_is_in_nobodys_feed() {
        assert_eq!(alert(json!({ "kind": "credential_stuffing" })), []);
    }
}
