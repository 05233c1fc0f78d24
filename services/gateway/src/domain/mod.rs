//! The rules of browser sessions: pure.

pub mod freshness;
pub mod seal;
pub mod session;
