//! A postal address, and a change of it.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{is_country, is_line};
use crate::merge_patch::given;

/// Where mail on paper reaches a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// One to three: street and number, or whatever the country writes there.
    pub lines: Vec<String>,
    pub postal_code: Option<String>,
    pub city: String,
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2, such as `DE`.
    pub country: String,
}

/// What is left out stays as it is; `null` takes a postal code or a region away (RFC 7396).
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAddress {
    /// All lines: a list is replaced as a whole.
    #[garde(inner(length(min = 1, max = 3), inner(length(chars, max = 100), custom(is_line))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 3)]
    lines: Option<Vec<String>>,
    #[garde(inner(inner(length(chars, max = 20), custom(is_line))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    postal_code: Option<Option<String>>,
    #[garde(inner(length(chars, max = 100), custom(is_line)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    city: Option<String>,
    #[garde(inner(inner(length(chars, max = 100), custom(is_line))))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    region: Option<Option<String>>,
    /// ISO 3166-1 alpha-2, such as `DE`.
    #[garde(inner(custom(is_country)))]
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    country: Option<String>,
}

/// An address needs lines, a city and a country.
#[derive(Debug, PartialEq, Eq)]
pub struct Incomplete;

impl ChangeAddress {
    /// The address after the change.
    pub fn applied_to(self, before: Option<Address>) -> Result<Address, Incomplete> {
        let (lines, postal_code, city, region, country) = match before {
            Some(before) => (
                Some(before.lines),
                before.postal_code,
                Some(before.city),
                before.region,
                Some(before.country),
            ),
            None => (None, None, None, None, None),
        };
        Ok(Address {
            lines: self.lines.or(lines).ok_or(Incomplete)?,
            postal_code: self.postal_code.unwrap_or(postal_code),
            city: self.city.or(city).ok_or(Incomplete)?,
            region: self.region.unwrap_or(region),
            country: self.country.or(country).ok_or(Incomplete)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(body: Value) -> ChangeAddress {
        serde_json::from_value(body).unwrap()
    }

    fn berlin() -> Address {
        serde_json::from_value(json!({
            "lines": ["Unter den Linden 1"], "postal_code": "10117", "city": "Berlin", "region": null, "country": "DE",
        }))
        .unwrap()
    }

    #[test]
    fn a_first_address_needs_lines_a_city_and_a_country() {
        let whole = json!({ "lines": ["Unter den Linden 1"], "city": "Berlin", "country": "DE" });
        for field in ["lines", "city", "country"] {
            let mut partial = whole.clone();
            partial.as_object_mut().unwrap().remove(field);
            assert_eq!(change(partial).applied_to(None), Err(Incomplete), "{field}");
        }
        let first = change(whole).applied_to(None).unwrap();
        assert_eq!(
            first,
            Address {
                postal_code: None,
                ..berlin()
            }
        );
    }

    #[test]
    fn a_change_keeps_what_it_leaves_out_and_takes_away_what_is_null() {
        let moved = change(json!({ "lines": ["Am Markt 2", "Hof"], "postal_code": null, "region": "BE" }))
            .applied_to(Some(berlin()))
            .unwrap();
        assert_eq!(
            moved,
            Address {
                lines: vec!["Am Markt 2".to_owned(), "Hof".to_owned()],
                postal_code: None,
                region: Some("BE".to_owned()),
                ..berlin()
            }
        );
    }

    #[test]
    fn what_an_address_needs_can_not_be_taken_away() {
        for field in ["lines", "city", "country"] {
            assert!(
                serde_json::from_value::<ChangeAddress>(json!({ field: null })).is_err(),
                "{field}"
            );
        }
    }
}
