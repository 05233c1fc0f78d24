//! The HTTP interface: one endpoint, one file.

mod create_top_up;
mod create_transaction;
mod idempotent;
mod list_transactions;
mod provision;
mod show_transaction;
mod views;

pub(crate) use create_top_up::*;
pub(crate) use create_transaction::*;
pub(crate) use list_transactions::*;
pub(crate) use provision::*;
pub(crate) use show_transaction::*;
pub(crate) use views::TransactionView;
