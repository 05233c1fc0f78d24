//! A posting moves an amount from one account to another, or is refused. [`decide`] says which.

use money::{Minor, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Account, AccountType, Status};

/// Who may move money where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From an account of the initiator to any user's account.
    Transfer,
    /// From outside to an account of the initiator.
    TopUp,
    /// From outside to any user's account; the caller has checked that the initiator may.
    Deposit,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::TopUp => "top_up",
            Self::Deposit => "deposit",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Transfer, Self::TopUp, Self::Deposit]
            .into_iter()
            .find(|known| known.as_str() == text)
    }

    /// Whether the money comes from the external account of its currency.
    pub fn is_from_outside(self) -> bool {
        matches!(self, Self::TopUp | Self::Deposit)
    }
}

/// An instruction to move money, known by its id: a repeat is never applied again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub id: Uuid,
    pub kind: Kind,
    pub initiator: Uuid,
    /// None only where the money comes from outside and there is no external account of that currency.
    pub from: Option<Uuid>,
    pub to: Uuid,
    pub amount: Money,
}

/// Why a posting moves nothing. The codes are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidAmount,
    SameAccount,
    /// Unknown, or not the initiator's to use: both look the same from outside.
    AccountNotFound,
    AccountFrozen,
    AccountClosed,
    CurrencyMismatch,
    InsufficientFunds,
    /// The payee's balance would leave the range of the type.
    BalanceOverflow,
    /// The id was used before for another posting.
    PostingIdReused,
}

impl Refusal {
    pub(crate) const ALL: [Self; 9] = [
        Self::InvalidAmount,
        Self::SameAccount,
        Self::AccountNotFound,
        Self::AccountFrozen,
        Self::AccountClosed,
        Self::CurrencyMismatch,
        Self::InsufficientFunds,
        Self::BalanceOverflow,
        Self::PostingIdReused,
    ];

    /// The stable error code; `docs/errors/<code>.md` explains it.
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
            Self::PostingIdReused => "posting_id_reused",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// The balances right after a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub from_balance: Minor,
    pub to_balance: Minor,
}

/// The one result of a posting, the same for each repeat.
pub type Outcome = Result<Applied, Refusal>;

/// Decides one posting against the two accounts as they are now.
pub fn decide(posting: &Posting, from: Option<&Account>, to: Option<&Account>) -> Outcome {
    let amount = posting.amount.amount_minor;
    if amount <= Minor::ZERO {
        return Err(Refusal::InvalidAmount);
    }
    if posting.from == Some(posting.to) {
        return Err(Refusal::SameAccount);
    }
    let from = from
        .filter(|from| may_pay(posting, from))
        .ok_or(Refusal::AccountNotFound)?;
    let to = to
        .filter(|to| may_receive(posting, to))
        .ok_or(Refusal::AccountNotFound)?;
    for account in [from, to] {
        match account.status {
            Status::Open => {}
            Status::Frozen => return Err(Refusal::AccountFrozen),
            Status::Closed => return Err(Refusal::AccountClosed),
        }
        if account.currency != posting.amount.currency {
            return Err(Refusal::CurrencyMismatch);
        }
    }
    Ok(Applied {
        from_balance: debited(from, amount)?,
        to_balance: to.balance.checked_add(amount).ok_or(Refusal::BalanceOverflow)?,
    })
}

fn may_pay(posting: &Posting, from: &Account) -> bool {
    if posting.kind.is_from_outside() {
        from.r#type == AccountType::External
    } else {
        from.owner == Some(posting.initiator)
    }
}

fn may_receive(posting: &Posting, to: &Account) -> bool {
    match posting.kind {
        Kind::TopUp => to.owner == Some(posting.initiator),
        Kind::Transfer | Kind::Deposit => to.owner.is_some(),
    }
}

/// The balance after the debit, if what is left still covers holds and limit.
fn debited(from: &Account, amount: Minor) -> Result<Minor, Refusal> {
    let balance = from.balance.checked_sub(amount).ok_or(Refusal::BalanceOverflow)?;
    let Some(limit) = from.limit else {
        return Ok(balance);
    };
    let available = balance.checked_sub(from.held).ok_or(Refusal::InsufficientFunds)?;
    if available < limit {
        Err(Refusal::InsufficientFunds)
    } else {
        Ok(balance)
    }
}
