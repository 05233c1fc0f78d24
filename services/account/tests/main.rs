//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on has to end"
)]

mod accounts;
mod balances;
mod contract;
mod entries;
mod erasure;
mod guards;
mod lifecycle;
mod movements;
mod operators;
mod payee;
mod postings;
mod seals;
mod statements;
mod statements_ready;
mod support;
mod verify;
