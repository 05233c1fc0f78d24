//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod abuse;
mod contract;
mod earlier_events;
mod ending;
mod forwarding;
mod guards;
mod head_start;
mod login;
mod native;
mod renewal;
mod session;
mod streaming;
mod support;
mod user_data;
