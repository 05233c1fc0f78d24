//! A posting moves an amount from one account to another, or reserves it, or is refused. [`decide`] says which.

use chrono::{DateTime, Utc};
use money::{Minor, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Account, Hold, HoldState, Refusal, Status};

/// Who may move money where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From an account of the initiator to any user's account.
    Transfer,
    /// From outside to an account of the initiator.
    TopUp,
    /// From outside to any user's account, by an operator.
    Deposit,
    /// From an account of the initiator to outside; by an operator, from any user's account.
    Withdrawal,
    /// Reserves an amount on an account of the initiator for another user's account. Nothing moves.
    Hold,
    /// Moves what a hold has reserved, or a part of it, and releases the rest. The receiving side's to do.
    Capture,
    /// Releases what a hold has reserved. The receiving side's to do.
    Void,
    /// Releases what a hold has reserved once its time is over.
    Expiry,
    /// Gives back what an earlier posting has moved, or a part of it, by who received it or an operator. The caller keeps
    /// count of how much is given back.
    Refund,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Transfer,
        Self::TopUp,
        Self::Deposit,
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
            Self::Deposit => "deposit",
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

    /// Whether the money comes from the external account of its currency.
    pub fn is_from_outside(self) -> bool {
        matches!(self, Self::TopUp | Self::Deposit)
    }

    /// Whether the money goes to the external account of its currency.
    pub fn is_to_outside(self) -> bool {
        self == Self::Withdrawal
    }

    /// Whether it ends a hold, which knows both accounts.
    pub fn ends_a_hold(self) -> bool {
        matches!(self, Self::Capture | Self::Void | Self::Expiry)
    }

    /// Whether it moves money at once.
    pub fn moves(self) -> bool {
        !matches!(self, Self::Hold | Self::Void | Self::Expiry)
    }

    /// Whether it counts against the paying account's limits. A capture was counted as its hold, a refund is owed.
    fn is_limited(self) -> bool {
        matches!(self, Self::Transfer | Self::Withdrawal | Self::Hold)
    }

    /// Whether the receiving account may owe a fee for it.
    fn bears_a_fee(self) -> bool {
        matches!(self, Self::Transfer | Self::Capture)
    }
}

/// Kinds of movement, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    pub fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u16))
    }
}

/// An instruction, known by its id: a repeat is never applied again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub id: Uuid,
    pub kind: Kind,
    pub initiator: Uuid,
    /// The initiator acts on accounts of others; the caller has checked that they may.
    pub by_operator: bool,
    /// None only where the ledger knows no account: of that currency outside, or of that hold.
    pub from: Option<Uuid>,
    pub to: Option<Uuid>,
    /// Of a void or an expiry: the whole amount of the hold.
    pub amount: Money,
    /// What a capture, a void or an expiry ends.
    pub hold_id: Option<Uuid>,
    /// Until when a hold lasts.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What an applied posting left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub from_balance: Minor,
    /// After the fee, if there is one.
    pub to_balance: Minor,
    pub fee: Option<Fee>,
}

/// What the receiving account pays on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    pub account: Uuid,
    pub amount: Minor,
}

/// The one result of a posting, the same for each repeat.
pub type Outcome = Result<Applied, Refusal>;

/// Both accounts of a posting, and what else it is about, as they are now. None: there is no such thing.
#[derive(Clone, Copy)]
pub struct Parties<'a> {
    pub from: Option<&'a Account>,
    pub to: Option<&'a Account>,
    pub hold: Option<&'a Hold>,
    /// Where fees of the posting's currency go.
    pub fees: Option<&'a Account>,
}

/// What is to be done to the accounts of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What moves from one to the other; zero for what only reserves or releases.
    pub moved: Minor,
    /// What the paying account holds afterwards.
    pub held: Minor,
    /// What counts as spent today by the paying account.
    pub spent: Minor,
    pub fee: Option<Fee>,
}

/// Decides one posting. The order of the checks is the order in which they are told: who may, what is there, what fits.
pub fn decide(posting: &Posting, parties: Parties<'_>, now: DateTime<Utc>) -> Result<Decision, Refusal> {
    let amount = posting.amount.amount_minor;
    if amount <= Minor::ZERO {
        return Err(Refusal::InvalidAmount);
    }
    if posting.kind.ends_a_hold() {
        check_hold(posting, parties, now)?;
    } else if posting.from.is_some() && posting.from == posting.to {
        return Err(Refusal::SameAccount);
    }
    let from = parties.from.filter(|from| may_pay(posting, from));
    let from = from.ok_or(Refusal::AccountNotFound)?;
    let to = parties.to.filter(|to| may_receive(posting, to));
    let to = to.ok_or(Refusal::AccountNotFound)?;
    if matches!(posting.kind, Kind::Void | Kind::Expiry) {
        // A release asks nothing of the accounts: it has to be possible while they are frozen.
        return Ok(Decision {
            moved: Minor::ZERO,
            held: from.held.checked_sub(amount).ok_or(Refusal::BalanceOverflow)?,
            spent: Minor::ZERO,
            fee: None,
        });
    }
    check_accounts(posting, from, to)?;
    let decision = amounts(posting, from, to, parties)?;
    check_funds(from, decision)?;
    check_limits(posting.kind, from, to, amount, now)?;
    Ok(decision)
}

/// Whether the hold that a posting is to end is there and can end in this way.
fn check_hold(posting: &Posting, parties: Parties<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
    let by_owner = |to: &Account| posting.by_operator || to.owner == Some(posting.initiator);
    let theirs = posting.kind == Kind::Expiry || parties.to.is_some_and(by_owner);
    let hold = parties.hold.filter(|_| theirs).ok_or(Refusal::HoldNotFound)?;
    let amount = posting.amount;
    match (hold.state, posting.kind) {
        (HoldState::Captured | HoldState::Voided | HoldState::Expired, _) => Err(Refusal::HoldEnded),
        (HoldState::Authorized, Kind::Capture) if hold.expires_at <= now => Err(Refusal::HoldExpired),
        (HoldState::Authorized, Kind::Expiry) if hold.expires_at > now => Err(Refusal::HoldNotExpired),
        _ if amount.currency != hold.amount.currency => Err(Refusal::CurrencyMismatch),
        (_, Kind::Capture) if amount.amount_minor > hold.amount.amount_minor => {
            Err(Refusal::CaptureExceedsHold)
        }
        (_, Kind::Void | Kind::Expiry) if amount != hold.amount => Err(Refusal::InvalidAmount),
        _ => Ok(()),
    }
}

fn may_pay(posting: &Posting, from: &Account) -> bool {
    let own = from.owner == Some(posting.initiator);
    match posting.kind {
        Kind::Transfer | Kind::Hold => own,
        Kind::Withdrawal | Kind::Refund => own || (posting.by_operator && from.owner.is_some()),
        // From outside, or as the hold says.
        Kind::TopUp | Kind::Deposit | Kind::Capture | Kind::Void | Kind::Expiry => true,
    }
}

fn may_receive(posting: &Posting, to: &Account) -> bool {
    match posting.kind {
        Kind::TopUp => to.owner == Some(posting.initiator),
        Kind::Transfer | Kind::Deposit | Kind::Hold | Kind::Refund => to.owner.is_some(),
        // To outside, or as the hold says.
        Kind::Withdrawal | Kind::Capture | Kind::Void | Kind::Expiry => true,
    }
}

fn check_accounts(posting: &Posting, from: &Account, to: &Account) -> Result<(), Refusal> {
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
    // What was allowed to be held may be captured.
    let kind = match posting.kind {
        Kind::Capture => Kind::Hold,
        kind => kind,
    };
    if from.rules.pays.has(kind) && to.rules.receives.has(kind) {
        Ok(())
    } else {
        Err(Refusal::MovementNotAllowed)
    }
}

fn amounts(
    posting: &Posting,
    from: &Account,
    to: &Account,
    parties: Parties<'_>,
) -> Result<Decision, Refusal> {
    let amount = posting.amount.amount_minor;
    let moved = if posting.kind.moves() { amount } else { Minor::ZERO };
    let held = match (posting.kind, parties.hold) {
        (Kind::Hold, _) => from.held.checked_add(amount),
        (Kind::Capture, Some(hold)) => from.held.checked_sub(hold.amount.amount_minor),
        _ => Some(from.held),
    };
    let own = from.owner.is_some() && from.owner == to.owner;
    let fee = to.rules.fee(amount);
    let fee = match parties.fees {
        Some(fees) if posting.kind.bears_a_fee() && !own && fee > Minor::ZERO => {
            fees.balance.checked_add(fee).ok_or(Refusal::BalanceOverflow)?;
            Some(Fee {
                account: fees.id,
                amount: fee,
            })
        }
        _ => None,
    };
    to.balance.checked_add(moved).ok_or(Refusal::BalanceOverflow)?;
    Ok(Decision {
        moved,
        held: held.ok_or(Refusal::BalanceOverflow)?,
        spent: if posting.kind.is_limited() && !own {
            amount
        } else {
            Minor::ZERO
        },
        fee,
    })
}

/// What is left has to cover holds and limit.
fn check_funds(from: &Account, decision: Decision) -> Result<(), Refusal> {
    let balance = from.balance.checked_sub(decision.moved);
    let balance = balance.ok_or(Refusal::BalanceOverflow)?;
    let Some(limit) = from.limit else {
        return Ok(());
    };
    let available = balance.checked_sub(decision.held);
    match available {
        Some(available) if available >= limit => Ok(()),
        _ => Err(Refusal::InsufficientFunds),
    }
}

/// Between accounts of one owner nothing is limited: the money stays theirs.
fn check_limits(
    kind: Kind,
    from: &Account,
    to: &Account,
    amount: Minor,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if !kind.is_limited() || from.owner == to.owner {
        return Ok(());
    }
    if from.max_per_movement.is_some_and(|most| amount > most) {
        return Err(Refusal::MovementLimitExceeded);
    }
    let spent = from.spent_with(amount, now.date_naive());
    let spent = spent.ok_or(Refusal::BalanceOverflow)?;
    if from.max_per_day.is_some_and(|most| spent > most) {
        return Err(Refusal::DailyLimitExceeded);
    }
    Ok(())
}
