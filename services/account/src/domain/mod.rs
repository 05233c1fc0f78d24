//! The rules of the ledger, as pure functions: no database, no clock, no I/O.

mod account;
mod books;
mod posting;

pub use account::{Account, AccountType, Status, may_close};
pub use books::Books;
pub use posting::{Applied, Kind, Outcome, Posting, Refusal, decide};
