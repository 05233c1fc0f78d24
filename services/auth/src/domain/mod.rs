//! The rules of accounts that log in: pure.

pub mod credentials;
pub mod standing;
