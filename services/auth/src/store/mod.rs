//! The database. Every function takes a connection; the caller owns the transaction.

pub mod sessions;
pub mod users;
