//! One endpoint, one file.

pub mod list_activity;
