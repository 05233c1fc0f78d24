//! The gateway's own endpoints, one a file.

pub mod login;
pub mod logout;
pub mod register;
pub mod session;
pub mod verify_email;
