//! Why a posting moves nothing.

/// The codes are part of the contract; `docs/errors/<code>.md` explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidAmount,
    SameAccount,
    /// Unknown, or not the initiator's to use: both look the same from outside.
    AccountNotFound,
    AccountFrozen,
    AccountClosed,
    CurrencyMismatch,
    /// A type of account does not pay or receive in this way.
    MovementNotAllowed,
    InsufficientFunds,
    /// More than the paying account's type lets out at once.
    MovementLimitExceeded,
    /// More than the paying account's type lets out in a day.
    DailyLimitExceeded,
    /// A balance would leave the range of the type.
    BalanceOverflow,
    /// Unknown, or not the initiator's to end.
    HoldNotFound,
    HoldEnded,
    HoldExpired,
    HoldNotExpired,
    CaptureExceedsHold,
    /// Another posting of an atomic batch was refused, so none was applied.
    BatchRefused,
    /// The id was used before for another posting.
    PostingIdReused,
}

impl Refusal {
    pub(crate) const ALL: [Self; 18] = [
        Self::InvalidAmount,
        Self::SameAccount,
        Self::AccountNotFound,
        Self::AccountFrozen,
        Self::AccountClosed,
        Self::CurrencyMismatch,
        Self::MovementNotAllowed,
        Self::InsufficientFunds,
        Self::MovementLimitExceeded,
        Self::DailyLimitExceeded,
        Self::BalanceOverflow,
        Self::HoldNotFound,
        Self::HoldEnded,
        Self::HoldExpired,
        Self::HoldNotExpired,
        Self::CaptureExceedsHold,
        Self::BatchRefused,
        Self::PostingIdReused,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidAmount => "invalid_amount",
            Self::SameAccount => "same_account",
            Self::AccountNotFound => "account_not_found",
            Self::AccountFrozen => "account_frozen",
            Self::AccountClosed => "account_closed",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::MovementNotAllowed => "movement_not_allowed",
            Self::InsufficientFunds => "insufficient_funds",
            Self::MovementLimitExceeded => "movement_limit_exceeded",
            Self::DailyLimitExceeded => "daily_limit_exceeded",
            Self::BalanceOverflow => "balance_overflow",
            Self::HoldNotFound => "hold_not_found",
            Self::HoldEnded => "hold_ended",
            Self::HoldExpired => "hold_expired",
            Self::HoldNotExpired => "hold_not_expired",
            Self::CaptureExceedsHold => "capture_exceeds_hold",
            Self::BatchRefused => "batch_refused",
            Self::PostingIdReused => "posting_id_reused",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}
