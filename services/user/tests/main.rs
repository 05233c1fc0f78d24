//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod dead_letters;
mod earlier_events;
mod erasure;
mod guards;
mod preferences;
mod profiles;
mod support;
