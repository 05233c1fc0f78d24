//! The gateway's own endpoints, one a file.

pub mod delete_user;
pub mod export_user;
pub mod login;
pub mod logout;
pub mod session;
