//! One endpoint, one file.

pub mod list_activity;
pub mod show_audit;
