//! What a profile may say.

use chrono_tz::Tz;
use unic_langid::LanguageIdentifier;

/// For `garde`: a BCP 47 language tag such as `de` or `pt-BR`.
pub fn is_locale(value: &str, _: &()) -> garde::Result {
    value
        .parse::<LanguageIdentifier>()
        .map(|_| ())
        .map_err(|_| garde::Error::new("is no BCP 47 language tag"))
}

/// For `garde`: an IANA time zone such as `Europe/Berlin`.
pub fn is_time_zone(value: &str, _: &()) -> garde::Result {
    value
        .parse::<Tz>()
        .map(|_| ())
        .map_err(|_| garde::Error::new("is no IANA time zone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_and_time_zones_are_those_of_the_standards() {
        assert!(is_locale("pt-BR", &()).is_ok());
        assert!(is_locale("portuguese, please", &()).is_err());
        assert!(is_time_zone("Europe/Berlin", &()).is_ok());
        assert!(is_time_zone("Berlin", &()).is_err());
    }
}
