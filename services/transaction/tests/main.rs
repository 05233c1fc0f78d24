//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod batch;
mod contacts;
mod contract;
mod create_transaction;
mod guards;
mod history;
mod holds;
mod idempotency;
mod payment_requests;
mod people;
mod recovery;
mod refunds;
mod retention;
mod schedules;
mod support;
mod top_ups;
