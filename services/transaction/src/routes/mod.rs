//! The HTTP interface: one endpoint, one file.

mod create_batch;
mod create_hold;
mod create_refund;
mod create_top_up;
mod create_transaction;
mod create_withdrawal;
mod description;
mod end_hold;
mod idempotent;
mod list_holds;
mod list_transactions;
mod provision;
mod show_hold;
mod show_transaction;
mod views;

pub(crate) use create_batch::*;
pub(crate) use create_hold::*;
pub(crate) use create_refund::*;
pub(crate) use create_top_up::*;
pub(crate) use create_transaction::*;
pub(crate) use create_withdrawal::*;
pub(crate) use end_hold::*;
pub(crate) use list_holds::*;
pub(crate) use list_transactions::*;
pub(crate) use provision::*;
pub(crate) use show_hold::*;
pub(crate) use show_transaction::*;
pub(crate) use views::TransactionView;
