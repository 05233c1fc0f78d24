use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Datelike, Utc};
use garde::Validate;
use identity::User;
use money::Currency;
use page::{Page, Paging};
use problem::{Problem, Query};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{description::printable, views::TransactionView};
use crate::{
    AppState,
    domain::Kind,
    store::{self, Filter},
};

/// Which transactions, and which page of them. All that is given has to hold.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(crate) struct HistoryQuery {
    /// One of the accounts on either side.
    account_id: Option<Uuid>,
    #[param(inline)]
    kind: Option<Kind>,
    #[param(inline)]
    state: Option<StateFilter>,
    /// The user on the other side; one's own id finds what moved between one's own accounts.
    counterparty_id: Option<Uuid>,
    /// Made at this time (RFC 3339) or later.
    #[garde(inner(custom(four_digit_year)))]
    from: Option<DateTime<Utc>>,
    /// Made before this time (RFC 3339).
    #[garde(inner(custom(four_digit_year)))]
    before: Option<DateTime<Utc>>,
    /// ISO 4217.
    #[param(value_type = Option<String>, example = "EUR")]
    currency: Option<Currency>,
    /// In the minor unit of `currency`, which has to be given too.
    #[garde(range(min = 1))]
    #[param(minimum = 1)]
    min_amount_minor: Option<i64>,
    /// In the minor unit of `currency`, which has to be given too.
    #[garde(range(min = 1))]
    #[param(minimum = 1)]
    max_amount_minor: Option<i64>,
    /// A part of the description; upper and lower case are the same.
    #[garde(length(chars, min = 2, max = 140), inner(custom(printable)))]
    #[param(min_length = 2, max_length = 140)]
    text: Option<String>,
    /// How many items, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` or the `previous_cursor` of another page, with the same filters.
    cursor: Option<String>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateFilter {
    Pending,
    Completed,
    Failed,
}

impl StateFilter {
    /// As [`State::as_str`](crate::domain::State::as_str) says it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// What RFC 3339 knows; PostgreSQL does not know all that chrono does.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "garde passes the context by reference"
)]
fn four_digit_year(time: &DateTime<Utc>, (): &()) -> garde::Result {
    if (0..=9999).contains(&time.year()) {
        Ok(())
    } else {
        Err(garde::Error::new("the year has to have four digits"))
    }
}

impl HistoryQuery {
    fn filter(self) -> problem::Result<Filter> {
        let amount = [self.min_amount_minor, self.max_amount_minor];
        if self.currency.is_none() && amount != [None, None] {
            return Err(invalid_query("currency: an amount is one of a currency"));
        }
        if let [Some(min), Some(max)] = amount
            && min > max
        {
            return Err(invalid_query("max_amount_minor: less than min_amount_minor"));
        }
        if let (Some(from), Some(before)) = (self.from, self.before)
            && from >= before
        {
            return Err(invalid_query("before: not later than from"));
        }
        Ok(Filter {
            account: self.account_id,
            kind: self.kind,
            state: self.state.map(StateFilter::as_str),
            counterparty: self.counterparty_id,
            from: self.from,
            before: self.before,
            currency: self.currency,
            min_minor: self.min_amount_minor,
            max_minor: self.max_amount_minor,
            text: self.text,
        })
    }
}

fn invalid_query(detail: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_query",
        "A query parameter has the wrong form",
    )
    .detail(detail)
}

/// What the caller has made, received or paid, newest first.
#[utoipa::path(get, path = "/transactions", tag = "transactions", params(HistoryQuery), security(("bearer" = ["user"])),
    responses((status = 200, body = Page<TransactionView>), (status = 400, description = "invalid_query, invalid_cursor")))]
pub(crate) async fn list_transactions(
    State(app): State<AppState>,
    user: User,
    Query(mut query): Query<HistoryQuery>,
) -> problem::Result<Json<Page<TransactionView>>> {
    let paging = Paging::of(query.limit, query.cursor.take())?;
    let place = paging.place()?;
    let filter = query.filter()?;
    let mut db = app.pool.acquire().await?;
    let rows = store::history(&mut db, user.id, &filter, place, paging.rows()).await?;
    Ok(Json(paging.page(
        &place,
        rows,
        |row| row.id,
        |row| TransactionView::of(row, user.id),
    )))
}
