//! What a client may ask for. Users and accounts are told by their number.

pub const USERS: usize = 10;
/// Each user has a current account; the first of them have a merchant account too, and some a savings account.
pub const ACCOUNTS: usize = 15;
pub const FIRST_SAVINGS: usize = 13;
/// The number of an account that does not exist.
pub const NOWHERE: usize = ACCOUNTS;
/// The user who has an account.
pub fn owner(account: usize) -> usize {
    account % USERS
}

pub struct Operation {
    pub actor: usize,
    pub action: Action,
    pub delivery: Delivery,
    /// Whether the worker reads its write: costly, so not always.
    pub reads_back: bool,
}

#[derive(Clone, Debug)]
pub enum Action {
    Transfer(Move),
    TopUp {
        to: usize,
        amount: i64,
    },
    Withdrawal {
        from: usize,
        amount: i64,
    },
    Hold {
        what: Move,
        seconds: u32,
    },
    /// `hold`, as all numbers below, is that of an earlier operation of the same worker.
    Capture {
        hold: usize,
        part: Part,
    },
    Void {
        hold: usize,
    },
    /// A capture and a void at the same time.
    EndTwice {
        hold: usize,
    },
    Refund {
        of: usize,
        part: Part,
    },
    Batch {
        items: Vec<Move>,
        atomic: bool,
    },
    /// The key and the body of an earlier operation.
    Repeat {
        of: usize,
    },
    /// The key of an earlier operation with another body.
    Reuse {
        of: usize,
    },
    Balance,
    History,
}

#[derive(Clone, Copy, Debug)]
pub struct Move {
    pub from: usize,
    pub to: usize,
    pub amount: i64,
}

#[derive(Clone, Copy, Debug)]
pub enum Part {
    All,
    Percent(i64),
    TooMuch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Once,
    /// Two connections send the same at the same time.
    Twice,
    /// The connection is cut so many milliseconds after the request was sent.
    Cut(u64),
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transfer(_) => "transfer",
            Self::TopUp { .. } => "top_up",
            Self::Withdrawal { .. } => "withdrawal",
            Self::Hold { .. } => "hold",
            Self::Capture { .. } => "capture",
            Self::Void { .. } => "void",
            Self::EndTwice { .. } => "end_twice",
            Self::Refund { .. } => "refund",
            Self::Batch { .. } => "batch",
            Self::Repeat { .. } => "repeat",
            Self::Reuse { .. } => "reuse",
            Self::Balance => "balance",
            Self::History => "history",
        }
    }

    /// Whether it can't be right, whatever the accounts are like.
    pub fn is_bad(&self) -> bool {
        let bad = |amount: i64| amount <= 0 || amount == i64::MAX;
        let bad_move =
            |what: &Move| bad(what.amount) || what.from == what.to || what.from.max(what.to) == NOWHERE;
        match self {
            Self::Transfer(what) | Self::Hold { what, .. } => bad_move(what),
            Self::TopUp { amount, .. } | Self::Withdrawal { amount, .. } => bad(*amount),
            Self::Capture { part, .. } | Self::Refund { part, .. } => matches!(part, Part::TooMuch),
            _ => false,
        }
    }
}
