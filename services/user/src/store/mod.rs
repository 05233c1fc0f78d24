//! The SQL of this service. Every function takes a connection; the caller owns the transaction.

pub mod preferences;
pub mod profiles;
