//! Rules of single values, in the form that `garde` takes.

use chrono_tz::Tz;
use iso_country::Country;
use unic_langid::LanguageIdentifier;
use url::Url;

/// What a new profile says.
pub const DEFAULT_TIME_ZONE: &str = "UTC";

/// Room for every tag that is in use (RFC 5646 §4.4.1).
const LONGEST_LOCALE_BYTES: usize = 35;

const LONGEST_URL_BYTES: usize = 2048;

/// A BCP 47 language tag such as `de` or `pt-BR`.
pub fn is_locale(value: &str, _: &()) -> garde::Result {
    // The parser takes `pt_BR` too, which is the habit of POSIX, and an empty text, which is no tag.
    let is_locale = (1..=LONGEST_LOCALE_BYTES).contains(&value.len())
        && !value.contains('_')
        && value.parse::<LanguageIdentifier>().is_ok();
    check(is_locale, "is no BCP 47 language tag")
}

/// An IANA time zone such as `Europe/Berlin`.
pub fn is_time_zone(value: &str, _: &()) -> garde::Result {
    check(value.parse::<Tz>().is_ok(), "is no IANA time zone")
}

/// Something to read, in one line.
pub fn is_line(value: &str, _: &()) -> garde::Result {
    let is_line = !value.trim().is_empty() && !value.chars().any(char::is_control);
    check(is_line, "is no line of text")
}

/// A telephone number as E.164 writes it: `+` and 8 to 15 digits, the first of which is not 0.
pub fn is_phone(value: &str, _: &()) -> garde::Result {
    let is_phone = value.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    });
    check(is_phone, "is no E.164 telephone number")
}

/// The alpha-2 code of a country in ISO 3166-1, such as `DE`.
pub fn is_country(value: &str, _: &()) -> garde::Result {
    // The empty text is that library's country without a name.
    let is_country = !value.is_empty() && value.parse::<Country>().is_ok();
    check(is_country, "is no ISO 3166-1 alpha-2 code")
}

/// An address at which a browser may fetch a picture: over TLS, and without credentials in it.
pub fn is_picture_url(value: &Url, _: &()) -> garde::Result {
    let is_picture_url = value.scheme() == "https"
        && value.username().is_empty()
        && value.password().is_none()
        && value.as_str().len() <= LONGEST_URL_BYTES;
    check(is_picture_url, "is no https URL of at most 2048 bytes")
}

fn check(holds: bool, otherwise: &'static str) -> garde::Result {
    if holds {
        Ok(())
    } else {
        Err(garde::Error::new(otherwise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_and_time_zones_are_those_of_the_standards() {
        for good in ["de", "pt-BR", "zh-Hant-TW"] {
            assert!(is_locale(good, &()).is_ok(), "{good}");
        }
        let too_long = format!("de{}", "-variant1".repeat(10));
        for bad in ["", "pt_BR", "portuguese, please", "de\0", &too_long] {
            assert!(is_locale(bad, &()).is_err(), "{bad}");
        }
        assert!(is_time_zone("Europe/Berlin", &()).is_ok());
        assert!(is_time_zone(DEFAULT_TIME_ZONE, &()).is_ok());
        assert!(is_time_zone("Berlin", &()).is_err());
    }

    #[test]
    fn a_line_can_be_read_and_is_one() {
        assert!(is_line("Ada Lovelace, née Byron", &()).is_ok());
        for bad in ["", " ", "\u{a0}", "two\nlines", "nul\0"] {
            assert!(is_line(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn telephone_numbers_have_8_to_15_digits_after_a_plus() {
        for good in ["+12345678", "+491701234567", "+123456789012345"] {
            assert!(is_phone(good, &()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "491701234567",
            "+1234567",
            "+1234567890123456",
            "+012345678",
            "+49 170 1234567",
            "+٤٩١٧٠١٢٣٤",
        ] {
            assert!(is_phone(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn of_all_pairs_of_letters_the_249_of_the_standard_are_countries() {
        let letters = || 'A'..='Z';
        let countries = letters()
            .flat_map(|first| letters().map(move |second| format!("{first}{second}")))
            .filter(|code| is_country(code, &()).is_ok());
        assert_eq!(countries.count(), 249);
        for bad in ["", "de", "DEU", "EU", "XX"] {
            assert!(is_country(bad, &()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_picture_is_fetched_over_tls_and_without_a_password() {
        let is_ok = |url: &str| is_picture_url(&url.parse().unwrap(), &()).is_ok();
        assert!(is_ok("https://example.com/ada.png?size=80"));
        for bad in [
            "http://example.com/ada.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "file:///etc/passwd",
            "https://ada:secret@example.com/ada.png",
            "https://ada@example.com/ada.png",
        ] {
            assert!(!is_ok(bad), "{bad}");
        }
        let path = "a".repeat(LONGEST_URL_BYTES - "https://example.com/".len());
        assert!(is_ok(&format!("https://example.com/{path}")));
        assert!(!is_ok(&format!("https://example.com/{path}a")));
    }
}
