//! The database. Every function takes a connection; the caller owns the transaction.

pub mod attempts;
pub mod devices;
pub mod second_factor;
pub mod sessions;
pub mod users;
