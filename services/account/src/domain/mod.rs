//! The rules of the ledger, as pure functions: no database, no clock, no I/O.

mod account;
mod books;
mod month;
mod posting;
mod statement;

pub use account::{Account, AccountType, Status, may_close};
pub use books::Books;
pub use month::Month;
pub use posting::{Applied, Kind, Outcome, Posting, Refusal, decide};
pub use statement::{Line, Problematic, Statement};
