//! Why a transaction failed.

/// The reasons, each with a stable code that `docs/errors/<code>.md` explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    InvalidAmount,
    SameAccount,
    AccountNotFound,
    AccountFrozen,
    AccountClosed,
    CurrencyMismatch,
    InsufficientFunds,
    BalanceOverflow,
    MovementNotAllowed,
    MovementLimitExceeded,
    DailyLimitExceeded,
    HoldNotFound,
    HoldEnded,
    HoldExpired,
    CaptureExceedsHold,
    BatchRefused,
    PayerDisabled,
    /// The ledger gave a reason that this version does not know.
    Refused,
}

impl Failure {
    pub(crate) const ALL: [Self; 18] = [
        Self::InvalidAmount,
        Self::SameAccount,
        Self::AccountNotFound,
        Self::AccountFrozen,
        Self::AccountClosed,
        Self::CurrencyMismatch,
        Self::InsufficientFunds,
        Self::BalanceOverflow,
        Self::MovementNotAllowed,
        Self::MovementLimitExceeded,
        Self::DailyLimitExceeded,
        Self::HoldNotFound,
        Self::HoldEnded,
        Self::HoldExpired,
        Self::CaptureExceedsHold,
        Self::BatchRefused,
        Self::PayerDisabled,
        Self::Refused,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidAmount => "invalid_amount",
            Self::SameAccount => "same_account",
            Self::AccountNotFound => "account_not_found",
            Self::AccountFrozen => "account_frozen",
            Self::AccountClosed => "account_closed",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::InsufficientFunds => "insufficient_funds",
            Self::BalanceOverflow => "balance_overflow",
            Self::MovementNotAllowed => "movement_not_allowed",
            Self::MovementLimitExceeded => "movement_limit_exceeded",
            Self::DailyLimitExceeded => "daily_limit_exceeded",
            Self::HoldNotFound => "hold_not_found",
            Self::HoldEnded => "hold_ended",
            Self::HoldExpired => "hold_expired",
            Self::CaptureExceedsHold => "capture_exceeds_hold",
            Self::BatchRefused => "batch_refused",
            Self::PayerDisabled => "payer_disabled",
            Self::Refused => "transaction_refused",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidAmount => "An amount has to be more than zero",
            Self::SameAccount => "Payer and payee are the same account",
            Self::AccountNotFound => "There is no such account, or it is not yours to use",
            Self::AccountFrozen => "One of the accounts is frozen",
            Self::AccountClosed => "One of the accounts is closed",
            Self::CurrencyMismatch => "Both accounts have to be in the currency of the amount",
            Self::InsufficientFunds => "There is not enough money available in the account",
            Self::BalanceOverflow => "The payee's balance would become too large",
            Self::MovementNotAllowed => "An account of this type does not pay or receive in this way",
            Self::MovementLimitExceeded => "The amount is more than the account lets out at once",
            Self::DailyLimitExceeded => "It is more than the account lets out in a day",
            Self::HoldNotFound => "There is no such hold, or it is not yours to end",
            Self::HoldEnded => "The hold has ended before",
            Self::HoldExpired => "The hold's time is over",
            Self::CaptureExceedsHold => "A capture takes no more than its hold reserves",
            Self::BatchRefused => "Another item of the batch was refused, so none was done",
            Self::PayerDisabled => "The payer is disabled or has deleted their account",
            Self::Refused => "The ledger refused the transaction",
        }
    }

    /// The failure of a code; a code that is not known is a plain refusal.
    pub fn parse(code: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|known| known.code() == code)
            .unwrap_or(Self::Refused)
    }
}
