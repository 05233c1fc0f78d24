//! As comma-separated values (RFC 4180), for spreadsheets.

use chrono::SecondsFormat;

use super::{Heading, decimal, sums};
use crate::domain::Statement;

/// One line per entry, with the sums as lines around them.
pub fn csv(heading: &Heading, statement: &Statement) -> Result<Vec<u8>, csv::Error> {
    let code = heading.currency.code();
    let shown = |amount| decimal(amount, heading.currency);
    let at = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let [opening, total_in, total_out, closing] = sums(statement);
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record([
        "time",
        "kind",
        "posting_id",
        "counterparty_account_id",
        "amount",
        "balance",
        "currency",
    ])?;
    file.write_record([
        &at(heading.month.start()),
        opening.0,
        "",
        "",
        "",
        &shown(opening.1),
        code,
    ])?;
    for line in &statement.lines {
        let counterparty = line.counterparty.map_or_else(String::new, |id| id.to_string());
        file.write_record([
            &at(line.at),
            &line.kind,
            &line.posting_id.to_string(),
            &counterparty,
            &shown(line.amount),
            &shown(line.balance),
            code,
        ])?;
    }
    for (name, total) in [total_in, total_out] {
        file.write_record(["", name, "", "", &shown(total), "", code])?;
    }
    file.write_record(["", closing.0, "", "", "", &shown(closing.1), code])?;
    file.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}
