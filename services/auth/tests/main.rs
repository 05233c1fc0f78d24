//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod administration;
mod guards;
mod passwords;
mod sessions;
mod support;
mod users;
