//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod admin;
mod deliveries;
mod earlier_events;
mod payment_request_changed;
mod queue;
mod security_alert;
mod statement_ready;
mod support;
mod transaction_made;
mod user_registered;
