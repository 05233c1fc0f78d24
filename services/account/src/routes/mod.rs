//! The HTTP interface: one endpoint, one file.

mod account_entries;
mod change_account;
mod change_limits;
mod close_account;
mod erase_user;
mod freeze_account;
mod list_account_types;
mod list_accounts;
mod merge_patch;
mod open_account;
mod post_postings;
mod provision;
mod resolve_payee;
mod show_account;
mod show_any_account;
mod show_balance;
mod show_statement;
mod views;

pub(crate) use account_entries::*;
pub(crate) use change_account::*;
pub(crate) use change_limits::*;
pub(crate) use close_account::*;
pub(crate) use erase_user::*;
pub(crate) use freeze_account::*;
pub(crate) use list_account_types::*;
pub(crate) use list_accounts::*;
pub(crate) use open_account::*;
pub(crate) use post_postings::*;
pub(crate) use provision::*;
pub(crate) use resolve_payee::*;
pub(crate) use show_account::*;
pub(crate) use show_any_account::*;
pub(crate) use show_balance::*;
pub(crate) use show_statement::*;
