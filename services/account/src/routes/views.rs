//! The JSON shapes that more than one endpoint shows.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use money::{Currency, Minor};
use problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{AccountType, Status},
    store::accounts::OwnAccount,
};

/// An account of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountView {
    pub id: Uuid,
    pub r#type: AccountType,
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    pub name: String,
    pub status: Status,
    pub balance_minor: Minor,
    /// Reserved by holds.
    pub held_minor: Minor,
    /// Balance minus held.
    pub available_minor: Minor,
    pub created_at: DateTime<Utc>,
}

impl From<OwnAccount> for AccountView {
    fn from(account: OwnAccount) -> Self {
        Self {
            id: account.id,
            r#type: account.r#type,
            currency: account.currency,
            name: account.name,
            status: account.status,
            balance_minor: account.balance,
            held_minor: account.held,
            // The database keeps this difference above the limit, so it is in range.
            available_minor: account.balance.checked_sub(account.held).unwrap_or_default(),
            created_at: account.created_at,
        }
    }
}

/// There is no such account, or it is somebody else's: the answer does not tell which.
pub(crate) fn account_not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "account_not_found",
        "There is no such account",
    )
}
