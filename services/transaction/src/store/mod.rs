//! The SQL of this service. Functions take a connection; the caller owns the transaction.

pub mod batches;
mod begin;
pub mod contacts;
mod follow_up;
mod history;
pub mod holds;
pub mod payment_requests;
pub mod people;
mod read;
pub mod refunds;
pub mod schedules;
mod settle;

pub use begin::{Batch, Earlier, begin, earlier, insert, take_key};
pub use follow_up::follow_up;
pub use history::{Filter, history};
pub use read::{by_ids, find, take_pending};
pub use settle::{Answered, answers, settle};

/// What a client gets, byte for byte, also when it asks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}
