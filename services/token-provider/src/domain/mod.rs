//! The rules of tokens: pure, without a database, a clock or a source of randomness of their own.

pub mod grants;
pub mod keys;
pub mod refresh;
pub mod rotation;
