//! The database. Every function takes a connection; the caller owns the transaction.

pub mod keys;
pub mod refresh_tokens;
