//! The rules of browser sessions, and of who a client is: pure.

pub mod device;
pub mod freshness;
pub mod network;
pub mod seal;
pub mod session;
