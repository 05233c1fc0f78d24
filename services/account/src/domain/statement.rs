//! A statement: what moved an account from one balance to another, and proof that it adds up.

use std::fmt;

use chrono::{DateTime, Utc};
use money::Minor;
use uuid::Uuid;

/// One entry of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub sequence: i64,
    pub posting_id: Uuid,
    /// That of its posting, or `fee`.
    pub kind: String,
    /// None: a posting of a kind that names no other side.
    pub counterparty: Option<Uuid>,
    /// Negative: money left the account.
    pub amount: Minor,
    /// The balance right after it.
    pub balance: Minor,
    pub at: DateTime<Utc>,
}

/// Lines in their order, between two balances that they explain.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    pub opening: Minor,
    pub closing: Minor,
    pub total_in: Minor,
    /// Not negative.
    pub total_out: Minor,
    pub lines: Vec<Line>,
}

/// Why there is no statement of these lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problematic {
    /// The ledger contradicts itself.
    DoesNotAddUp,
    /// What came in, or went out, is more than the type can hold, though each balance is in range.
    TotalTooLarge,
}

impl fmt::Display for Problematic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoesNotAddUp => "a statement does not add up",
            Self::TotalTooLarge => "a total of a statement is out of range",
        })
    }
}

impl Statement {
    /// Adds up: no line is missing, each balance follows from the one before, and the last one is the closing balance.
    pub fn of(opening: Minor, lines: Vec<Line>, closing: Minor) -> Result<Self, Problematic> {
        let mut balance = opening;
        for (index, line) in lines.iter().enumerate() {
            let follows = index == 0 || lines[index - 1].sequence + 1 == line.sequence;
            if !follows || balance.checked_add(line.amount) != Some(line.balance) {
                return Err(Problematic::DoesNotAddUp);
            }
            balance = line.balance;
        }
        if balance != closing {
            return Err(Problematic::DoesNotAddUp);
        }
        let sum = |amounts: &dyn Fn(i128) -> i128| {
            let sum: i128 = lines.iter().map(|line| amounts(line.amount.0.into())).sum();
            i64::try_from(sum)
                .map(Minor)
                .map_err(|_| Problematic::TotalTooLarge)
        };
        Ok(Self {
            opening,
            closing,
            total_in: sum(&|amount| amount.max(0))?,
            total_out: sum(&|amount| (-amount).max(0))?,
            lines,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines with these amounts from `opening` on, as a ledger writes them, and the balance after them.
    fn written(opening: i64, amounts: &[i64]) -> (Vec<Line>, Minor) {
        let mut balance = Minor(opening);
        let lines = (7..)
            .zip(amounts)
            .map(|(sequence, amount)| {
                balance = balance.checked_add(Minor(*amount)).unwrap();
                Line {
                    sequence,
                    posting_id: Uuid::nil(),
                    kind: "transfer".to_owned(),
                    counterparty: None,
                    amount: Minor(*amount),
                    balance,
                    at: DateTime::UNIX_EPOCH,
                }
            })
            .collect();
        (lines, balance)
    }

    #[test]
    fn a_statement_without_lines_closes_as_it_opened() {
        let statement = Statement::of(Minor(5), vec![], Minor(5)).unwrap();
        assert_eq!(
            (statement.total_in, statement.total_out),
            (Minor::ZERO, Minor::ZERO)
        );
        assert_eq!(
            Statement::of(Minor(5), vec![], Minor(6)),
            Err(Problematic::DoesNotAddUp)
        );
    }

    #[test]
    fn totals_that_leave_the_range_are_refused() {
        let most = i64::MAX;
        let (lines, closing) = written(0, &[most, -most, 1]);
        assert_eq!(
            Statement::of(Minor::ZERO, lines, closing),
            Err(Problematic::TotalTooLarge)
        );
        let (lines, closing) = written(0, &[most, -most]);
        assert!(Statement::of(Minor::ZERO, lines, closing).is_ok());
    }

    proptest! {
        #[test]
        fn opening_plus_in_minus_out_is_closing(
            opening in -1_000_000..1_000_000_i64,
            amounts in prop::collection::vec(-1_000_000..1_000_000_i64, 0..50),
        ) {
            let (lines, closing) = written(opening, &amounts);
            let statement = Statement::of(Minor(opening), lines, closing).unwrap();
            prop_assert_eq!(opening + statement.total_in.0 - statement.total_out.0, closing.0);
            prop_assert!(statement.total_in.0 >= 0 && statement.total_out.0 >= 0);
        }

        #[test]
        fn whatever_is_wrong_with_one_line_is_noticed(
            amounts in prop::collection::vec(-1_000..1_000_i64, 1..20),
            place: prop::sample::Index,
            off in 1..100_i64,
            what in 0..4,
        ) {
            let (mut lines, closing) = written(0, &amounts);
            let place = place.index(lines.len());
            match what {
                0 => lines[place].amount.0 += off,
                1 => lines[place].balance.0 += off,
                2 if lines[place].amount.0 != 0 => drop(lines.remove(place)),
                _ if lines.len() > 1 => lines[place].sequence += off,
                _ => return Ok(()),
            }
            prop_assert_eq!(Statement::of(Minor::ZERO, lines, closing), Err(Problematic::DoesNotAddUp));
        }
    }
}
