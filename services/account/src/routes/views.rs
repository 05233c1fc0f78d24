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
    /// Where money goes that names the user and no account. Each user has one.
    pub is_default: bool,
    pub balance_minor: Minor,
    /// Reserved by holds.
    pub held_minor: Minor,
    /// Balance minus held. What can be spent is this minus `limit_minor`.
    pub available_minor: Minor,
    /// The lowest that `available_minor` may become; negative: an overdraft.
    pub limit_minor: Minor,
    /// The most that one movement may take out. Null: no limit.
    pub max_per_movement_minor: Option<Minor>,
    /// The most that all movements of a day (UTC) may take out together. Null: no limit.
    pub max_per_day_minor: Option<Minor>,
    pub created_at: DateTime<Utc>,
}

impl From<OwnAccount> for AccountView {
    fn from(account: OwnAccount) -> Self {
        Self {
            available_minor: account.available(),
            id: account.id,
            r#type: account.r#type,
            currency: account.currency,
            name: account.name,
            status: account.status,
            is_default: account.is_default,
            balance_minor: account.balance,
            held_minor: account.held,
            limit_minor: account.limits.limit,
            max_per_movement_minor: account.limits.max_per_movement,
            max_per_day_minor: account.limits.max_per_day,
            created_at: account.created_at,
        }
    }
}

/// An account as operators see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnyAccountView {
    owner_user_id: Uuid,
    #[serde(flatten)]
    account: AccountView,
}

impl From<OwnAccount> for AnyAccountView {
    fn from(account: OwnAccount) -> Self {
        Self {
            owner_user_id: account.owner,
            account: account.into(),
        }
    }
}

/// A name is one line of text.
pub(crate) fn is_line(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        Err(garde::Error::new("is no line of text"))
    } else {
        Ok(())
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

pub(crate) fn account_not_empty() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "account_not_empty",
        "An account still has money or a hold on it",
    )
}

pub(crate) fn account_closed() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "account_closed",
        "The account is closed for good",
    )
}
