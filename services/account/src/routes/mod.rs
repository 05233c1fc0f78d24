//! The HTTP interface: one endpoint, one file.

mod account_entries;
mod list_accounts;
mod post_postings;
mod provision;
mod show_account;
mod views;

pub(crate) use account_entries::*;
pub(crate) use list_accounts::*;
pub(crate) use post_postings::*;
pub(crate) use provision::*;
pub(crate) use show_account::*;
