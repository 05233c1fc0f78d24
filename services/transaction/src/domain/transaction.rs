//! A transaction and its life: `pending → completed | failed`, and no way back.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Failure;

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From one user's account to another account.
    Transfer,
    /// From outside.
    TopUp,
    /// To outside.
    Withdrawal,
    /// Reserves an amount for a payee; nothing moves.
    Hold,
    /// Moves what a hold has reserved, or a part of it, and releases the rest.
    Capture,
    /// Releases what a hold has reserved.
    Void,
    /// Releases what a hold has reserved, once its time is over.
    Expiry,
    /// Gives back what a transfer or a capture has moved, or a part of it.
    Refund,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Transfer,
        Self::TopUp,
        Self::Withdrawal,
        Self::Hold,
        Self::Capture,
        Self::Void,
        Self::Expiry,
        Self::Refund,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::TopUp => "top_up",
            Self::Withdrawal => "withdrawal",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Expiry => "expiry",
            Self::Refund => "refund",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether a completed one has moved money.
    pub fn moves(self) -> bool {
        !matches!(self, Self::Hold | Self::Void | Self::Expiry)
    }

    /// Whether what it has moved can be given back.
    pub fn is_refundable(self) -> bool {
        matches!(self, Self::Transfer | Self::Capture)
    }
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The ledger has not answered yet.
    Pending,
    /// The ledger has done it.
    Completed(Completion),
    /// Nothing has moved, nothing will.
    Failed(Failure),
}

/// What the ledger has told of a transaction that it has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// None: the money came from outside.
    pub payer: Option<Uuid>,
    /// Of a withdrawal the payer.
    pub payee: Uuid,
    /// What the payee has paid for it.
    pub fee: Option<Minor>,
    pub at: DateTime<Utc>,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
        }
    }
}

/// What somebody wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub kind: Kind,
    pub initiator: Uuid,
    /// An operator acts on anybody's account.
    pub by_operator: bool,
    /// None: the money comes from outside.
    pub from: Option<Uuid>,
    /// None: the money goes outside.
    pub to: Option<Uuid>,
    pub amount: Money,
    pub description: Option<String>,
    /// What else it is about.
    pub about: About,
}

/// The other thing that an order refers to. Which one goes with which kind, the constructors of routes see to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    #[default]
    Nothing,
    /// A hold lasts until then.
    Until(DateTime<Utc>),
    /// What a capture, a void or an expiry ends.
    Hold(Uuid),
    /// What a refund gives back.
    Transaction(Uuid),
    /// What a transfer pays.
    PaymentRequest(Uuid),
    /// Who is paid by a transfer that named a person and no account. Only who settles it needs to know.
    Person(Uuid),
}

impl About {
    pub fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Until(at) => Some(at),
            _ => None,
        }
    }

    pub fn hold(self) -> Option<Uuid> {
        match self {
            Self::Hold(id) => Some(id),
            _ => None,
        }
    }

    pub fn refunded(self) -> Option<Uuid> {
        match self {
            Self::Transaction(id) => Some(id),
            _ => None,
        }
    }

    pub fn payment_request(self) -> Option<Uuid> {
        match self {
            Self::PaymentRequest(id) => Some(id),
            _ => None,
        }
    }

    pub fn person(self) -> Option<Uuid> {
        match self {
            Self::Person(id) => Some(id),
            _ => None,
        }
    }
}

/// An order that was accepted, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    pub order: Order,
    pub created_at: DateTime<Utc>,
    pub state: State,
}

/// The transaction has reached its final state, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transaction is in its final state")]
pub struct Final;

impl Transaction {
    /// Accepts an order, unless it can't be right whatever the accounts are like.
    pub fn accept(id: Uuid, order: Order, now: DateTime<Utc>) -> Result<Self, Failure> {
        if order.amount.amount_minor <= Minor::ZERO {
            return Err(Failure::InvalidAmount);
        }
        if order.from.is_some() && order.from == order.to {
            return Err(Failure::SameAccount);
        }
        Ok(Self {
            id,
            order,
            created_at: now,
            state: State::Pending,
        })
    }

    /// The ledger has posted it.
    pub fn complete(self, completion: Completion) -> Result<Self, Final> {
        self.end(State::Completed(completion))
    }

    /// The ledger has refused it.
    pub fn fail(self, failure: Failure) -> Result<Self, Final> {
        self.end(State::Failed(failure))
    }

    fn end(self, state: State) -> Result<Self, Final> {
        match self.state {
            State::Pending => Ok(Self { state, ..self }),
            State::Completed(_) | State::Failed(_) => Err(Final),
        }
    }

    pub fn is_final(&self) -> bool {
        self.state != State::Pending
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(from: Option<u128>, to: u128, amount: i64) -> Order {
        Order {
            kind: if from.is_some() {
                Kind::Transfer
            } else {
                Kind::TopUp
            },
            initiator: Uuid::from_u128(1),
            by_operator: false,
            from: from.map(Uuid::from_u128),
            to: Some(Uuid::from_u128(to)),
            amount: Money {
                amount_minor: Minor(amount),
                currency: "EUR".parse().unwrap(),
            },
            description: None,
            about: About::Nothing,
        }
    }

    fn any_step() -> impl Strategy<Value = Option<Failure>> {
        prop::option::of(prop::sample::select(Failure::ALL.to_vec()))
    }

    proptest! {
        #[test]
        fn no_transition_leaves_a_final_state(steps in prop::collection::vec(any_step(), 1..10)) {
            let now = DateTime::UNIX_EPOCH;
            let completion = Completion { payer: None, payee: Uuid::nil(), fee: None, at: now };
            let mut transaction = Transaction::accept(Uuid::nil(), order(Some(1), 2, 5), now).unwrap();
            let mut end = None;
            for step in steps {
                let next = match step {
                    None => transaction.clone().complete(completion),
                    Some(failure) => transaction.clone().fail(failure),
                };
                prop_assert_eq!(next.is_err(), end.is_some());
                transaction = next.unwrap_or(transaction);
                prop_assert!(transaction.is_final());
                let state = *end.get_or_insert(transaction.state);
                prop_assert_eq!(transaction.state, state);
            }
        }

        #[test]
        fn an_amount_that_is_not_positive_is_never_accepted(amount: i64, from in prop::option::of(1..3_u128), to in 1..3_u128) {
            let accepted = Transaction::accept(Uuid::nil(), order(from, to, amount), DateTime::UNIX_EPOCH);
            prop_assert_eq!(accepted.is_ok(), amount > 0 && from != Some(to));
        }
    }

    #[test]
    fn a_code_that_is_not_known_is_a_plain_refusal() {
        for failure in Failure::ALL {
            assert_eq!(Failure::parse(failure.code()), failure);
        }
        assert_eq!(Failure::parse("news_from_the_future"), Failure::Refused);
    }
}
