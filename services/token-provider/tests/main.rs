//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod guards;
mod keys;
mod polyglot;
mod support;
mod tokens;
