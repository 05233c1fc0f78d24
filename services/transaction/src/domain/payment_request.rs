//! Somebody asks somebody else for money: `open → paid | declined | cancelled | expired`, and no way back.

use chrono::{DateTime, Utc};
use money::Money;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How far a payment request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    Open,
    Paid,
    /// By who was to pay.
    Declined,
    /// By who has asked.
    Cancelled,
    Expired,
}

impl RequestState {
    const ALL: [Self; 5] = [
        Self::Open,
        Self::Paid,
        Self::Declined,
        Self::Cancelled,
        Self::Expired,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// A user, with the name that is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub user_id: Uuid,
    /// None: they are not there any more.
    pub username: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    pub id: Uuid,
    /// Who has asked.
    pub requester: Person,
    /// Who is to pay.
    pub payer: Person,
    /// The requester's.
    pub to: Uuid,
    pub amount: Money,
    pub note: Option<String>,
    pub state: RequestState,
    /// What has paid it, or is about to.
    pub transaction_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_written_is_read_back() {
        for state in RequestState::ALL {
            assert_eq!(RequestState::parse(state.as_str()), Some(state));
        }
        assert_eq!(RequestState::parse("pending"), None);
    }
}
