//! For tests of routes: an issuer with keys of its own, in the place of Token Provider, a way to call a router, and what
//! must never get past one. For these and for tests of the whole system: the servers that they need.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that can't be set up has to end"
)]

pub mod forgeries;
pub mod guards;
mod http;
pub mod infra;
mod issuer;
mod ports;

pub use http::{Answer, call, deliver, deliver_all, request};
pub use issuer::{Issuer, service_claims, user_claims};
pub use ports::free_ports;
