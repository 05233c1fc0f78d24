//! The rules of a transaction's life, as pure functions: no database, no clock, no I/O.

mod failure;
mod idempotency;
mod payment_request;
mod schedule;
mod transaction;

pub use failure::Failure;
pub use idempotency::{IdempotencyKey, RequestHash};
pub use payment_request::{PaymentRequest, Person, RequestState};
pub use schedule::{Date, Dates, Every, Schedule, ScheduleState};
pub use transaction::{About, Completion, Final, Kind, Order, State, Transaction};
