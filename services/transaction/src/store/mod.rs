//! The SQL of this service. Functions take a connection; the caller owns the transaction.

mod begin;
mod history;
mod read;
mod settle;

pub use begin::{Earlier, begin, earlier};
pub use history::{Filter, history};
pub use read::{find, take_pending};
pub use settle::{Answered, answers, settle};

/// What a client gets, byte for byte, also when it asks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}
