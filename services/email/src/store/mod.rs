//! The mails: queued, sent or given up. Every function takes a connection; the caller owns the transaction.

pub mod admin;
pub mod queue;
pub mod retention;
