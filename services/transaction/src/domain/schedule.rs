//! A transfer that is made by itself, once or again and again: `active ⇄ paused → ended | cancelled`.
//!
//! Every date is counted from the first one, never from the one before: the 31st is the last day of a shorter month, and
//! the 31st again in the next long one. All times are UTC.

use chrono::{DateTime, Months, TimeDelta, Utc};
use money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    Once,
    Day,
    Week,
    /// On the day of the first date, or on the last one of a shorter month.
    Month,
}

impl Every {
    const ALL: [Self; 4] = [Self::Once, Self::Day, Self::Week, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    Active,
    /// Its dates pass, and nothing is paid.
    Paused,
    /// All its dates are over.
    Ended,
    Cancelled,
}

impl ScheduleState {
    const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Ended, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// The dates of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    pub first_at: DateTime<Utc>,
    pub every: Every,
    /// How many there are.
    pub count: Option<u32>,
    /// The last moment that may be one.
    pub ends_at: Option<DateTime<Utc>>,
}

/// One date of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// From 1.
    pub run: u32,
    pub at: DateTime<Utc>,
}

impl Dates {
    /// The date with this number, from 1. None: there are not so many.
    pub fn date(&self, run: u32) -> Option<Date> {
        let steps = run.checked_sub(1)?;
        let days = |days: u32| self.first_at.checked_add_signed(TimeDelta::days(days.into()));
        let at = match self.every {
            Every::Once if steps > 0 => None,
            Every::Once => Some(self.first_at),
            Every::Day => days(steps),
            Every::Week => days(steps.checked_mul(7)?),
            Every::Month => self.first_at.checked_add_months(Months::new(steps)),
        }?;
        let in_bounds =
            self.count.is_none_or(|count| run <= count) && self.ends_at.is_none_or(|ends_at| at <= ends_at);
        in_bounds.then_some(Date { run, at })
    }

    /// The first date after `now`, of `from` and those that follow it.
    pub fn next_after(&self, now: DateTime<Utc>, from: u32) -> Option<Date> {
        self.from(from).find(|date| date.at > now)
    }

    /// What is to be paid at `now`, when `from` is the next date: the last date that has come. Those before it are left
    /// out, so that what was missed in an outage does not empty an account at once.
    pub fn due(&self, now: DateTime<Utc>, from: u32) -> Option<Date> {
        self.from(from).take_while(|date| date.at <= now).last()
    }

    fn from(&self, run: u32) -> impl Iterator<Item = Date> {
        (run..).map_while(|run| self.date(run))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub id: Uuid,
    pub user: Uuid,
    pub from: Uuid,
    pub to: Uuid,
    pub amount: Money,
    pub description: Option<String>,
    pub dates: Dates,
    pub state: ScheduleState,
    /// None: it has ended, or was cancelled.
    pub next: Option<Date>,
    pub created_at: DateTime<Utc>,
}

impl Schedule {
    /// What is left of it after `now`: active with its next date, or ended.
    #[must_use]
    pub fn advanced(self, now: DateTime<Utc>) -> Self {
        let next = self.next.and_then(|next| self.dates.next_after(now, next.run));
        let state = match next {
            Some(_) => ScheduleState::Active,
            None => ScheduleState::Ended,
        };
        Self { state, next, ..self }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn dates(first_at: DateTime<Utc>, every: Every) -> Dates {
        Dates {
            first_at,
            every,
            count: None,
            ends_at: None,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn last_day(year: i32, month: u32) -> u32 {
        (28..=31)
            .rev()
            .find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())
            .unwrap()
    }

    fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
        (1_600_000_000..4_000_000_000_i64).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
    }

    fn any_every() -> impl Strategy<Value = Every> {
        prop::sample::select(Every::ALL.to_vec())
    }

    #[test]
    fn the_31st_is_the_last_day_of_a_shorter_month_and_comes_back() {
        let dates = dates(at("2027-12-31T08:30:00Z"), Every::Month);
        let days: Vec<_> = (1..=5).map(|run| dates.date(run).unwrap().at).collect();
        let expected = [
            "2027-12-31",
            "2028-01-31",
            "2028-02-29",
            "2028-03-31",
            "2028-04-30",
        ]
        .map(|day| at(&format!("{day}T08:30:00Z")));
        assert_eq!(days, expected);
    }

    #[test]
    fn what_was_missed_is_paid_once() {
        let dates = dates(at("2027-01-01T00:00:00Z"), Every::Day);
        let now = at("2027-01-10T12:00:00Z");
        assert_eq!(dates.due(now, 3).unwrap().run, 10);
        assert_eq!(dates.next_after(now, 3).unwrap().run, 11);
        assert_eq!(dates.due(now, 11), None);
    }

    proptest! {
        #[test]
        fn a_month_keeps_the_day_and_the_time_of_the_first_date(first_at in any_time(), steps in 0..600_u32) {
            let date = dates(first_at, Every::Month).date(steps + 1).unwrap().at;
            let months = first_at.year() * 12 + first_at.month0().cast_signed() + steps.cast_signed();
            prop_assert_eq!(date.year() * 12 + date.month0().cast_signed(), months);
            prop_assert_eq!(date.day(), first_at.day().min(last_day(date.year(), date.month())));
            prop_assert_eq!(date.num_seconds_from_midnight(), first_at.num_seconds_from_midnight());
        }

        #[test]
        fn dates_only_grow_and_stay_in_their_bounds(
            first_at in any_time(), every in any_every(), count in 1..50_u32, days in 0..100_i64, by_count: bool,
        ) {
            let ends_at = first_at + TimeDelta::days(days);
            let dates = Dates {
                count: by_count.then_some(count),
                ends_at: (!by_count).then_some(ends_at),
                ..dates(first_at, every)
            };
            let all: Vec<_> = dates.from(1).take(200).collect();
            prop_assert_eq!(all[0], Date { run: 1, at: first_at });
            prop_assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].run + 1 == pair[1].run));
            if by_count {
                prop_assert_eq!(all.len(), if every == Every::Once { 1 } else { count as usize });
            } else {
                prop_assert!(all.iter().all(|date| date.at <= ends_at));
            }
        }

        #[test]
        fn a_date_is_due_or_still_to_come_and_never_both(
            first_at in any_time(), every in any_every(), from in 1..30_u32, late_s in -10_000_000..10_000_000_i64,
        ) {
            let dates = dates(first_at, every);
            let now = first_at + TimeDelta::seconds(late_s);
            let (due, next) = (dates.due(now, from), dates.next_after(now, from));
            prop_assert!(due.is_none_or(|due| due.at <= now && due.run >= from));
            prop_assert!(next.is_none_or(|next| next.at > now && next.run >= from));
            if let (Some(due), Some(next)) = (due, next) {
                prop_assert_eq!(due.run + 1, next.run);
            }
        }

        #[test]
        fn what_is_written_is_read_back(every in any_every(), state in prop::sample::select(ScheduleState::ALL.to_vec())) {
            prop_assert_eq!(Every::parse(every.as_str()), Some(every));
            prop_assert_eq!(ScheduleState::parse(state.as_str()), Some(state));
        }
    }
}
