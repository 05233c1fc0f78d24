//! A statement as a file that people keep.

mod csv;
mod pdf;

use money::{Currency, Minor, Money};
use uuid::Uuid;

pub use self::csv::csv;
pub use self::pdf::pdf;
use crate::domain::{Month, Statement};

/// What a file says beside the statement itself. No name: what a person wrote may have letters that a PDF reader's own
/// fonts lack.
pub struct Heading {
    pub account_id: Uuid,
    pub account_type: &'static str,
    pub currency: Currency,
    pub month: Month,
    /// Whether the month is over.
    pub complete: bool,
}

/// The four sums of a statement, named as in the files.
fn sums(statement: &Statement) -> [(&'static str, Minor); 4] {
    [
        ("Opening balance", statement.opening),
        ("Total in", statement.total_in),
        ("Total out", statement.total_out),
        ("Closing balance", statement.closing),
    ]
}

/// A decimal with the currency's digits and without its code, which the file says once: `-12.50`.
fn decimal(amount_minor: Minor, currency: Currency) -> String {
    let money = Money {
        amount_minor,
        currency,
    };
    let mut text = money.to_string();
    text.truncate(text.len() - currency.code().len());
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use uuid::Uuid;

    use super::*;
    use crate::domain::Line;

    fn heading(currency: &str) -> Heading {
        Heading {
            account_id: Uuid::from_u128(0xac),
            account_type: "current",
            currency: currency.parse().unwrap(),
            month: "2026-11".parse().unwrap(),
            complete: true,
        }
    }

    /// From 100 on, `count` times one more.
    fn statement(count: i64) -> Statement {
        let start: DateTime<Utc> = "2026-11-02T03:04:05Z".parse().unwrap();
        let lines = (1..=count).map(|number| Line {
            sequence: number,
            posting_id: Uuid::from_u128(0xb0),
            kind: "top_up".to_owned(),
            counterparty: (number > 1).then(|| Uuid::from_u128(0xc0)),
            amount: Minor(1),
            balance: Minor(100 + number),
            at: start + TimeDelta::minutes(number),
        });
        Statement::of(Minor(100), lines.collect(), Minor(100 + count)).unwrap()
    }

    #[test]
    fn a_csv_has_a_line_for_each_entry_between_its_sums() {
        let text = String::from_utf8(csv(&heading("EUR"), &statement(2)).unwrap()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "time,kind,posting_id,counterparty_account_id,amount,balance,currency",
                "2026-11-01T00:00:00.000000Z,Opening balance,,,,1.00,EUR",
                "2026-11-02T03:05:05.000000Z,top_up,00000000-0000-0000-0000-0000000000b0,,0.01,1.01,EUR",
                "2026-11-02T03:06:05.000000Z,top_up,00000000-0000-0000-0000-0000000000b0,00000000-0000-0000-0000-0000000000c0,0.01,1.02,EUR",
                ",Total in,,,0.02,,EUR",
                ",Total out,,,0.00,,EUR",
                ",Closing balance,,,,1.02,EUR",
            ]
        );
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        assert_eq!(decimal(Minor(-1250), "EUR".parse().unwrap()), "-12.50");
        assert_eq!(decimal(Minor(1250), "JPY".parse().unwrap()), "1250");
        let text = String::from_utf8(csv(&heading("JPY"), &statement(1)).unwrap()).unwrap();
        assert!(text.contains(",1,101,JPY"), "{text}");
    }

    #[test]
    fn a_pdf_says_whether_its_month_is_over() {
        let so_far = Heading {
            complete: false,
            ..heading("EUR")
        };
        for (heading, complete) in [(heading("EUR"), true), (so_far, false)] {
            let file = pdf(&heading, &statement(1));
            let text = String::from_utf8_lossy(&file);
            assert!(text.contains("2026-11-01 to 2026-11-30"), "{text}");
            assert_eq!(!text.contains(", so far)"), complete, "{text}");
        }
    }

    #[test]
    fn a_pdf_of_many_entries_has_numbered_pages_with_all_of_them() {
        for (count, pages) in [(0, 1), (1, 1), (500, 13), (10_000, 245)] {
            let file = pdf(&heading("EUR"), &statement(count));
            assert!(file.starts_with(b"%PDF-1."));
            let text = String::from_utf8_lossy(&file);
            assert_eq!(text.matches("/Type /Page\n").count(), pages, "{count}");
            assert_eq!(text.matches("top_up").count(), usize::try_from(count).unwrap());
            assert!(text.contains(&format!("(Page {pages} of {pages})")));
            assert!(text.contains("00000000-0000-0000-0000-0000000000ac"));
            assert!(text.trim_end().ends_with("%%EOF"));
        }
    }
}
