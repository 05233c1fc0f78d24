//! The rules of accounts that log in: pure.

pub mod credentials;
pub mod limits;
pub mod password;
pub mod second_factor;
pub mod standing;
