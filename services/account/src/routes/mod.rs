//! The HTTP interface: one endpoint, one file.

mod account_entries;
mod erase_user;
mod list_accounts;
mod list_balances;
mod post_postings;
mod provision;
mod show_account;
mod show_verification;
mod start_verification;
mod views;

pub(crate) use account_entries::*;
pub(crate) use erase_user::*;
pub(crate) use list_accounts::*;
pub(crate) use list_balances::*;
pub(crate) use post_postings::*;
pub(crate) use provision::*;
pub(crate) use show_account::*;
pub(crate) use show_verification::*;
pub(crate) use start_verification::*;
