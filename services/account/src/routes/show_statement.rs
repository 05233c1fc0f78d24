use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use garde::Validate;
use identity::User;
use money::{Currency, Minor};
use problem::{Path, Problem, Query};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::views::account_not_found;
use crate::{
    AppState,
    domain::{Line, Month, Problematic, Statement},
    statement_file::{self, Heading},
    store::{accounts, history},
};

/// More belongs to `GET /accounts/{id}/entries`, page by page.
const MOST_ENTRIES: i64 = 10_000;

#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementQuery {
    /// A month in UTC; the current one by default, of which the statement has what there is so far.
    #[garde(skip)]
    #[serde(default, deserialize_with = "month")]
    #[param(value_type = Option<String>, example = "2026-11", pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: Option<Month>,
    #[garde(skip)]
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Csv,
    Pdf,
}

fn month<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Month>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// What moved an account in a month. Opening plus in minus out is closing.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementView {
    account_id: Uuid,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    #[schema(example = "2026-11")]
    month: String,
    /// The first moment of the month.
    from: DateTime<Utc>,
    /// The first moment after it.
    until: DateTime<Utc>,
    /// Whether the month is over; else more entries may come, and the closing balance is that of now.
    complete: bool,
    opening_minor: Minor,
    closing_minor: Minor,
    total_in_minor: Minor,
    /// Not negative.
    total_out_minor: Minor,
    /// Oldest first.
    entries: Vec<StatementEntry>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StatementEntry {
    at: DateTime<Utc>,
    sequence: i64,
    /// Of its posting: `transfer`, `top_up`, `deposit`, `withdrawal`, `capture`, `refund`; `fee` is what the receiving side
    /// paid for it.
    kind: String,
    /// The posting that made it, which is the id of the transaction.
    posting_id: Uuid,
    counterparty_account_id: Option<Uuid>,
    /// Negative: money left the account.
    amount_minor: Minor,
    /// The balance right after it.
    balance_minor: Minor,
}

/// The statement of an account of the caller for a month, as JSON or as a file.
#[utoipa::path(get, path = "/accounts/{id}/statement", tag = "accounts", params(("id" = Uuid, Path), StatementQuery),
    security(("bearer" = ["user"])),
    responses((status = 200, content((StatementView = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf"))),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "month_not_begun, statement_too_long")))]
pub(crate) async fn show_statement(
    State(app): State<AppState>,
    user: User,
    Path(id): Path<Uuid>,
    Query(query): Query<StatementQuery>,
) -> problem::Result<Response> {
    let now = Utc::now();
    let mut db = app.pool.acquire().await?;
    let account = accounts::find(&mut db, user.id, id)
        .await?
        .ok_or_else(account_not_found)?;
    let month = query.month.unwrap_or_else(|| Month::of(now));
    if month.start() > now {
        return Err(month_not_begun());
    }
    let statement = read(&mut db, id, month).await?;
    let heading = Heading {
        account_id: account.id,
        account_type: account.r#type.as_str(),
        currency: account.currency,
        month,
        complete: month.end() <= now,
    };
    answer(&heading, statement, query.format)
}

/// Entries stay as they are, and new ones come after those that are there: the reads need no snapshot to fit together.
async fn read(db: &mut PgConnection, account: Uuid, month: Month) -> problem::Result<Statement> {
    let (before, last) = month.bounds();
    let opening = history::at(db, account, before).await?;
    let closing = history::at(db, account, last).await?;
    if closing.sequence - opening.sequence > MOST_ENTRIES {
        return Err(statement_too_long());
    }
    let lines = history::lines(db, account, opening, closing).await?;
    Statement::of(opening.balance, lines, closing.balance).map_err(|problematic| match problematic {
        Problematic::DoesNotAddUp => Problem::internal(&problematic),
        Problematic::TotalTooLarge => statement_too_long(),
    })
}

fn answer(heading: &Heading, statement: Statement, format: Format) -> problem::Result<Response> {
    Ok(match format {
        Format::Json => Json(StatementView::of(heading, statement)).into_response(),
        Format::Csv => {
            let csv = statement_file::csv(heading, &statement)?;
            (file(heading, "csv", "text/csv; charset=utf-8"), csv).into_response()
        }
        Format::Pdf => {
            let pdf = statement_file::pdf(heading, &statement);
            (file(heading, "pdf", "application/pdf"), pdf).into_response()
        }
    })
}

/// What makes a browser save it under a name (RFC 6266).
fn file(heading: &Heading, extension: &str, media_type: &str) -> [(HeaderName, String); 2] {
    let name = format!(
        "attachment; filename=\"statement-{}-{}.{extension}\"",
        heading.account_id, heading.month
    );
    [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ]
}

impl StatementView {
    fn of(heading: &Heading, statement: Statement) -> Self {
        Self {
            account_id: heading.account_id,
            currency: heading.currency,
            month: heading.month.to_string(),
            from: heading.month.start(),
            until: heading.month.end(),
            complete: heading.complete,
            opening_minor: statement.opening,
            closing_minor: statement.closing,
            total_in_minor: statement.total_in,
            total_out_minor: statement.total_out,
            entries: statement.lines.into_iter().map(StatementEntry::from).collect(),
        }
    }
}

impl From<Line> for StatementEntry {
    fn from(line: Line) -> Self {
        Self {
            at: line.at,
            sequence: line.sequence,
            kind: line.kind,
            posting_id: line.posting_id,
            counterparty_account_id: line.counterparty,
            amount_minor: line.amount,
            balance_minor: line.balance,
        }
    }
}

fn month_not_begun() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "month_not_begun",
        "There is no statement of a month to come",
    )
}

fn statement_too_long() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "statement_too_long",
        "The month has more entries than a statement holds",
    )
}
