//! Money that is promised and has not moved.

use chrono::{DateTime, Utc};
use money::Money;
use uuid::Uuid;

/// How far a hold is. It ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    Authorized,
    Captured,
    Voided,
    Expired,
}

impl HoldState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Authorized, Self::Captured, Self::Voided, Self::Expired]
            .into_iter()
            .find(|known| known.as_str() == text)
    }
}

/// A hold as the rules see it. Its id is that of the posting that authorised it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub id: Uuid,
    pub from: Uuid,
    pub to: Uuid,
    pub amount: Money,
    pub state: HoldState,
    /// What was captured of it.
    pub captured: money::Minor,
    pub expires_at: DateTime<Utc>,
}
