//! The JSON shapes that more than one endpoint shows.

use std::str::FromStr;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use money::{Currency, Minor};
use problem::Problem;
use serde::{Deserialize, Serialize};
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

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page. Null: this is the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows of which one more than `limit` was asked for, to see whether a page follows.
    pub fn of<R>(mut rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> String, view: impl Fn(R) -> T) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self {
            items: rows.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

/// Which page of a list.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items, 50 by default.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: u32,
    /// The `next_cursor` of the page before.
    #[garde(length(bytes, max = 64))]
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    50
}

impl Paging {
    /// Where the page starts, in the list's own terms.
    pub fn cursor<C: FromStr>(&self) -> problem::Result<Option<C>> {
        self.cursor.as_deref().map(str::parse).transpose().map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                "A query parameter has the wrong form",
            )
            .detail("cursor: not one that this list has given")
        })
    }

    /// One row more than the page has, to see whether another page follows.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
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
