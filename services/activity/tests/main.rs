//! One program, so that all is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has to end"
)]

mod audit_log;
mod auditor;
mod dead_letters;
mod earlier_events;
mod feed;
mod guards;
mod handover;
mod retention;
mod security;
mod stream;
mod support;
