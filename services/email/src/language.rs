//! The languages of mails, and how each writes times and amounts.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use money::Money;

const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Of a BCP 47 tag: its first part counts. Who reads another language gets English.
    pub fn of(tag: &str) -> Self {
        match tag.split('-').next() {
            Some(primary) if primary.eq_ignore_ascii_case("de") => Self::German,
            _ => Self::English,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub fn time(self, time: DateTime<Utc>) -> String {
        let form = match self {
            Self::English => "%-d %B %Y, %H:%M UTC",
            Self::German => "%d.%m.%Y, %H:%M UTC",
        };
        time.format(form).to_string()
    }

    /// The month that a day is in: `March 2026`, `März 2026`.
    pub fn month(self, day: NaiveDate) -> String {
        match self {
            Self::English => day.format("%B %Y").to_string(),
            Self::German => format!("{} {}", GERMAN_MONTHS[day.month0() as usize], day.year()),
        }
    }

    /// `12.50 EUR`, `12,50 €`
    pub fn amount(self, amount: Money) -> String {
        let text = amount.to_string();
        match self {
            Self::English => text,
            Self::German => text.replace('.', ",").replace("EUR", "€"),
        }
    }
}

#[cfg(test)]
mod tests {
    use money::Minor;

    use super::*;

    #[test]
    fn the_first_part_of_a_tag_decides_and_english_is_for_all_others() {
        for (tag, expected) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("DE", Language::German),
            ("en-GB", Language::English),
            ("den", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(tag), expected, "{tag}");
        }
    }

    #[test]
    fn months_have_their_names() {
        let march = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        assert_eq!(Language::English.month(march), "March 2026");
        assert_eq!(Language::German.month(march), "März 2026");
    }

    #[test]
    fn amounts_are_written_as_the_language_has_it() {
        let euro = |amount| Money {
            amount_minor: Minor(amount),
            currency: "EUR".parse().unwrap(),
        };
        let yen = Money {
            amount_minor: Minor(7),
            currency: "JPY".parse().unwrap(),
        };
        assert_eq!(Language::English.amount(euro(1250)), "12.50 EUR");
        assert_eq!(Language::German.amount(euro(1250)), "12,50 €");
        assert_eq!(Language::German.amount(yen), "7 JPY");
    }
}
