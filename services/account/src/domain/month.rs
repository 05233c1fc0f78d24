//! A month of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

/// What the database counts time in.
const TICK: TimeDelta = TimeDelta::microseconds(1);

/// `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(NaiveDate);

impl Month {
    /// The month that a time is in.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self::with(time.date_naive())
    }

    /// The month that a day is in.
    pub fn with(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    pub fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its first moment.
    pub fn start(self) -> DateTime<Utc> {
        self.0.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first moment after it.
    pub fn end(self) -> DateTime<Utc> {
        // The years that are read have four digits, which is far from where dates end.
        let next = self.0.checked_add_months(Months::new(1)).unwrap_or(self.0);
        Self(next).start()
    }

    /// The last moments before it and of it: the balances of then are those that it opens and closes with.
    pub fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.start() - TICK, self.end() - TICK)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "not a month of the form YYYY-MM";
        let (year, month) = text.split_once('-').ok_or(form)?;
        let digits =
            |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(form);
        }
        let (year, month) = (year.parse().map_err(|_| form)?, month.parse().map_err(|_| form)?);
        NaiveDate::from_ymd_opt(year, month, 1).map(Self).ok_or(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_with_its_first_day_and_ends_with_the_next_ones() {
        let december: Month = "2026-12".parse().unwrap();
        assert_eq!(december.start().to_rfc3339(), "2026-12-01T00:00:00+00:00");
        assert_eq!(december.end().to_rfc3339(), "2027-01-01T00:00:00+00:00");
        assert_eq!(december.to_string(), "2026-12");
        let (before, last) = december.bounds();
        assert_eq!(Month::of(before).to_string(), "2026-11");
        assert_eq!(Month::of(last), december);
        assert_eq!(Month::with(december.first_day()), december);
        assert_eq!(Month::of(december.end()).to_string(), "2027-01");
        assert!("9999-12".parse::<Month>().unwrap().end() > last);
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "+026-11",
            "2026-11-01",
            "12026-11",
        ] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
