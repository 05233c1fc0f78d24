//! Money as the ledger counts it: whole minor units of one ISO 4217 currency, never a float.
//!
//! JSON: `{"amount_minor": 1250, "currency": "EUR"}` is 12.50 euro.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An ISO 4217 currency that has minor units; three capital letters in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is no ISO 4217 code of a currency that people pay with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an ISO 4217 currency code")]
pub struct UnknownCurrency;

impl Currency {
    /// The three-letter code, ISO 4217.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal digits the minor unit stands for: 2 for EUR, 0 for JPY.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Codes without a minor unit (gold, test codes) are refused: nobody pays with them.
    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let currency = iso_currency::Currency::from_code(code).ok_or(UnknownCurrency)?;
        currency.exponent().map(|_| Self(currency)).ok_or(UnknownCurrency)
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A count of minor units. Arithmetic is checked: an overflow is `None`, never a wrapped balance.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    schemars::JsonSchema,
)]
#[serde(transparent)]
#[schema(value_type = i64, example = 1250)]
pub struct Minor(pub i64);

impl Minor {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_neg(self) -> Option<Self> {
        self.0.checked_neg().map(Self)
    }

    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// An amount of one currency, the shape in which every API of PayMe takes and gives money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units of the currency.
    pub amount_minor: Minor,
    /// ISO 4217 code.
    #[schema(value_type = String, example = "EUR", min_length = 3, max_length = 3)]
    #[schemars(with = "String", length(equal = 3))]
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// A decimal with the currency's own digits and its code: `12.50 EUR`, `-0.05 EUR`, `7 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor.0 < 0 { "-" } else { "" };
        let units = self.amount_minor.0.unsigned_abs();
        match self.currency.exponent() {
            0 => write!(f, "{sign}{units} {}", self.currency),
            digits => {
                let scale = 10_u64.pow(digits);
                let width = digits as usize;
                write!(
                    f,
                    "{sign}{}.{:0width$} {}",
                    units / scale,
                    units % scale,
                    self.currency
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_read_and_written_in_minor_units() {
        let json = r#"{"amount_minor":1250,"currency":"EUR"}"#;
        let money: Money = serde_json::from_str(json).unwrap();
        assert_eq!(money.to_string(), "12.50 EUR");
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
    }

    #[test]
    fn floats_unknown_fields_and_unknown_currencies_are_refused() {
        for json in [
            r#"{"amount_minor":12.5,"currency":"EUR"}"#,
            r#"{"amount_minor":9223372036854775808,"currency":"EUR"}"#,
            r#"{"amount_minor":1,"currency":"EUR","cents":2}"#,
            r#"{"amount_minor":1,"currency":"eur"}"#,
            r#"{"amount_minor":1,"currency":"XAU"}"#,
            r#"{"amount_minor":1,"currency":"ABC"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn each_currency_shows_its_own_digits() {
        let show = |amount, code: &str| {
            Money {
                amount_minor: Minor(amount),
                currency: code.parse().unwrap(),
            }
            .to_string()
        };
        assert_eq!(show(-5, "EUR"), "-0.05 EUR");
        assert_eq!(show(7, "JPY"), "7 JPY");
        assert_eq!(show(1234, "KWD"), "1.234 KWD");
        assert_eq!(show(i64::MIN, "EUR"), "-92233720368547758.08 EUR");
    }

    proptest! {
        #[test]
        fn sums_never_wrap(a: i64, b: i64) {
            prop_assert_eq!(Minor(a).checked_add(Minor(b)).map(|m| m.0), a.checked_add(b));
            prop_assert_eq!(Minor(a).checked_sub(Minor(b)).map(|m| m.0), a.checked_sub(b));
        }
    }
}
