//! Lists that are read page by page, in both directions: the query that asks for a page, and the answer.

mod cursor;

use std::str::FromStr;

use axum::http::StatusCode;
use garde::Validate;
use problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use cursor::Place;

/// One page of a list.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page. Null: this is the last page.
    pub next_cursor: Option<String>,
    /// Give it as `cursor` to get the page before, in the same order. Null: this is the first page.
    pub previous_cursor: Option<String>,
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
    /// The `next_cursor` or the `previous_cursor` of another page of the list.
    #[garde(skip)]
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

    /// Where the page lies, in the list's own terms.
    pub fn place<K: FromStr>(&self) -> problem::Result<Place<K>> {
        match &self.cursor {
            None => Ok(Place::Start),
            Some(cursor) => Place::from_cursor(cursor).ok_or_else(invalid_cursor),
        }
    }

    /// How many rows to ask for: one more than the page has, to see whether another page follows in its direction.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page at `place` of at most [`Paging::rows`] rows beside it, which are in the order of the list whichever
    /// way the page was looked for. `key` is by what the list finds a row again.
    pub fn page<R, T, K: ToString>(
        &self,
        place: &Place<K>,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        view: impl Fn(R) -> T,
    ) -> Page<T> {
        let surplus = rows.len().saturating_sub(self.limit as usize);
        if place.is_back() {
            rows.drain(..surplus);
        } else {
            rows.truncate(rows.len() - surplus);
        }
        let more = surplus > 0;
        // There is always a page where the cursor came from.
        let (before, after) = match place {
            Place::Start => (false, more),
            Place::After(_) => (true, more),
            Place::Before(_) => (more, true),
        };
        let first = rows.first().filter(|_| before);
        let previous_cursor = first.and_then(|row| Place::Before(key(row)).to_cursor());
        let last = rows.last().filter(|_| after);
        let next_cursor = last.and_then(|row| Place::After(key(row)).to_cursor());
        Page {
            items: rows.into_iter().map(view).collect(),
            next_cursor,
            previous_cursor,
        }
    }
}

fn invalid_cursor() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_cursor",
        "The cursor is not one that this list has given",
    )
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

    /// The page at a cursor of the list 9, 8, … 1, read as a store does.
    fn read(limit: u32, cursor: Option<String>) -> Page<u32> {
        let paging = Paging::of(Some(limit), cursor).unwrap();
        let place = paging.place::<u32>().unwrap();
        let rows = usize::try_from(paging.rows()).unwrap();
        let mut found: Vec<u32> = match place {
            Place::Start => (1..=9).rev().take(rows).collect(),
            Place::After(key) => (1..key).rev().take(rows).collect(),
            Place::Before(key) => (key + 1..=9).take(rows).collect(),
        };
        found.sort_by_key(|row| std::cmp::Reverse(*row));
        paging.page(&place, found, |row| *row, |row| row)
    }

    #[test]
    fn pages_are_walked_to_the_end_and_back_without_gap_or_repeat() {
        for limit in 1..=10 {
            let mut pages = vec![read(limit, None)];
            while let Some(next) = pages.last().unwrap().next_cursor.clone() {
                pages.push(read(limit, Some(next)));
            }
            let forward: Vec<u32> = pages.iter().flat_map(|page| page.items.clone()).collect();
            assert!(forward.iter().copied().eq((1..=9).rev()));

            let mut back = vec![pages.pop().unwrap()];
            while let Some(previous) = back.last().unwrap().previous_cursor.clone() {
                back.push(read(limit, Some(previous)));
            }
            let backward: Vec<u32> = back.iter().rev().flat_map(|page| page.items.clone()).collect();
            assert_eq!(backward, forward);
        }
    }

    #[test]
    fn an_empty_list_is_one_page() {
        let paging = paging("{}");
        assert_eq!(
            paging.page(&Place::Start, Vec::new(), |row: &u32| *row, |row| row),
            Page {
                items: vec![],
                next_cursor: None,
                previous_cursor: None
            }
        );
    }

    #[test]
    fn a_cursor_is_one_that_the_list_has_given() {
        assert_eq!(paging("{}").place::<u32>().unwrap(), Place::Start);
        let long = format!(r#"{{"cursor":"{}"}}"#, "x".repeat(10_000));
        for foreign in [r#"{"cursor":""}"#, r#"{"cursor":"8"}"#, long.as_str()] {
            let problem = paging(foreign).place::<u32>().unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (400, "invalid_cursor")
            );
        }
    }

    #[test]
    fn limits_are_bounded() {
        assert!(paging(r#"{"limit":200}"#).validate().is_ok());
        assert!(paging(r#"{"limit":0}"#).validate().is_err());
        assert!(paging(r#"{"limit":201}"#).validate().is_err());
    }
}
