//! Lists that are read page by page: the query that asks for a page, and the answer.

use std::str::FromStr;

use axum::http::StatusCode;
use garde::Validate;
use problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page. Null: this is the last page.
    pub next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// How many items, 50 by default.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[garde(length(bytes, max = 64))]
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    50
}

impl Paging {
    /// For a list whose query has more members than these two.
    pub fn of(limit: Option<u32>, cursor: Option<String>) -> problem::Result<Self> {
        let paging = Self {
            limit: limit.unwrap_or_else(default_limit),
            cursor,
        };
        paging
            .validate()
            .map_err(|report| invalid_query().detail(report.to_string()))?;
        Ok(paging)
    }

    /// Where the page starts, in the list's own terms.
    pub fn cursor<C: FromStr>(&self) -> problem::Result<Option<C>> {
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        cursor.map_err(|_| invalid_query().detail("cursor: not one that this list has given"))
    }

    /// How many rows to ask for: one more than the page has, to see whether another page follows.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of [`Paging::rows`] rows; `cursor` is where the list goes on after a row.
    pub fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        cursor: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Page {
            items: rows.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

fn invalid_query() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_query",
        "A query parameter has the wrong form",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(json: &str) -> Paging {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_page_says_whether_another_follows() {
        let two = paging(r#"{"limit":2}"#);
        let page = |rows: Vec<u32>| two.page(rows, u32::to_string, |row| row);
        assert_eq!(
            page(vec![9, 8, 7]),
            Page {
                items: vec![9, 8],
                next_cursor: Some("8".into())
            }
        );
        assert_eq!(
            page(vec![9, 8]),
            Page {
                items: vec![9, 8],
                next_cursor: None
            }
        );
        assert_eq!(
            page(vec![]),
            Page {
                items: vec![],
                next_cursor: None
            }
        );
    }

    #[test]
    fn a_cursor_is_one_that_the_list_has_given() {
        assert_eq!(paging(r#"{"cursor":"8"}"#).cursor::<u32>().unwrap(), Some(8));
        assert_eq!(paging("{}").cursor::<u32>().unwrap(), None);
        assert_eq!(
            paging(r#"{"cursor":"x"}"#).cursor::<u32>().unwrap_err().code(),
            "invalid_query"
        );
    }

    #[test]
    fn limits_are_bounded() {
        assert!(paging(r#"{"limit":200}"#).validate().is_ok());
        assert!(paging(r#"{"limit":0}"#).validate().is_err());
        assert!(paging(r#"{"limit":201}"#).validate().is_err());
    }
}
