//! The rules of the ledger, as pure functions: no database, no clock, no I/O.

mod account;
mod books;
mod hold;
mod month;
mod posting;
mod refusal;
mod statement;

pub use account::{Account, AccountType, Rules, Status, may_close};
pub use books::{Books, Written};
pub use hold::{Hold, HoldState};
pub use month::Month;
pub use posting::{Applied, Decision, Fee, Kind, Kinds, Outcome, Parties, Posting, decide};
pub use refusal::Refusal;
pub use statement::{Line, Problematic, Statement};
