//! What the rules need to know about an account.

use money::{Currency, Minor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// A user's everyday account.
    Current,
    Savings,
    /// Receives payments, and pays a fee for each.
    Merchant,
    /// The world outside: one per currency. Its balance is minus the sum of all others, so it has no limit.
    External,
    /// Where fees go: one per currency.
    Fees,
}

impl AccountType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Savings => "savings",
            Self::Merchant => "merchant",
            Self::External => "external",
            Self::Fees => "fees",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Current,
            Self::Savings,
            Self::Merchant,
            Self::External,
            Self::Fees,
        ]
        .into_iter()
        .find(|known| known.as_str() == text)
    }
}

/// Whether an account takes part in postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
    /// Neither pays nor receives.
    Frozen,
    Closed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Frozen, Self::Closed]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

/// An account as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    /// None: a system account.
    pub owner: Option<Uuid>,
    pub r#type: AccountType,
    pub currency: Currency,
    pub status: Status,
    pub balance: Minor,
    /// Reserved by holds. Never negative.
    pub held: Minor,
    /// The lowest that balance minus held may become. None: no limit.
    pub limit: Option<Minor>,
    /// The sequence of the newest entry.
    pub sequence: i64,
}

/// Whether an account can be closed: with nothing on it, and nothing reserved.
pub fn may_close(balance: Minor, held: Minor) -> bool {
    balance == Minor::ZERO && held == Minor::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_account_with_nothing_on_it_and_nothing_reserved_can_be_closed() {
        assert!(may_close(Minor::ZERO, Minor::ZERO));
        assert!(!may_close(Minor(1), Minor::ZERO));
        assert!(!may_close(Minor(-1), Minor::ZERO));
        assert!(!may_close(Minor(1), Minor(1)));
        assert!(!may_close(Minor::ZERO, Minor(1)));
    }
}
