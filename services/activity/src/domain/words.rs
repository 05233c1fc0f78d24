//! What happened, in plain words and the reader's language.

use chrono::{Datelike, NaiveDate};
use money::Money;
use serde_json::Value;

/// The languages that there are words in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    /// The one that an `Accept-Language` (RFC 9110 §12.5.4) wants most; English if it wants none of them.
    pub fn wanted(header: &str) -> Self {
        let mut best = (0.0, Self::default());
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts
                .next()
                .unwrap_or_default()
                .split('-')
                .next()
                .unwrap_or_default();
            let language = match tag.to_ascii_lowercase().as_str() {
                "en" => Self::English,
                "de" => Self::German,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// A headline, and a sentence.
#[derive(Debug, PartialEq)]
pub struct Words {
    pub title: &'static str,
    pub text: String,
}

/// In the order of [`Language`]: title and sentence. `{}` stands for what the line is about: an amount, a month or a device.
type Template = [(&'static str, &'static str); 2];

const MONTHS: [[&str; 2]; 12] = [
    ["January", "Januar"],
    ["February", "Februar"],
    ["March", "März"],
    ["April", "April"],
    ["May", "Mai"],
    ["June", "Juni"],
    ["July", "Juli"],
    ["August", "August"],
    ["September", "September"],
    ["October", "Oktober"],
    ["November", "November"],
    ["December", "Dezember"],
];

/// What a line says. A kind or an alert that is newer than this service has words that fit all.
pub fn words(kind: &str, data: &Value, language: Language) -> Words {
    let (title, text) = template(kind, data)[language as usize];
    let about = match data.get("amount") {
        Some(amount) => serde_json::from_value(amount.clone())
            .map_or_else(|_| String::new(), |amount| written(&amount, language)),
        None => data["month"]
            .as_str()
            .map_or_else(|| device(data, language), |text| month(text, language)),
    };
    Words {
        title,
        text: text.replacen("{}", &about, 1),
    }
}

fn template(kind: &str, data: &Value) -> Template {
    match kind {
        "registered" => [
            ("Welcome", "You have registered."),
            ("Willkommen", "Sie haben sich registriert."),
        ],
        "logged_in" => [
            ("Login", "You have logged in."),
            ("Anmeldung", "Sie haben sich angemeldet."),
        ],
        "session_ended" => [
            ("Session ended", "One of your sessions has ended."),
            ("Sitzung beendet", "Eine Ihrer Sitzungen wurde beendet."),
        ],
        "topped_up" => [
            ("Money added", "{} was paid into your account."),
            ("Einzahlung", "{} wurden auf Ihr Konto eingezahlt."),
        ],
        "withdrawn" => [
            ("Withdrawal", "You withdrew {}."),
            ("Auszahlung", "Sie haben {} ausgezahlt."),
        ],
        "sent" => [
            ("Money sent", "You sent {}."),
            ("Geld gesendet", "Sie haben {} gesendet."),
        ],
        "received" => [
            ("Money received", "You received {}."),
            ("Geld erhalten", "Sie haben {} erhalten."),
        ],
        "moved" => [
            ("Money moved", "You moved {} between your own accounts."),
            ("Umbuchung", "Sie haben {} zwischen Ihren eigenen Konten bewegt."),
        ],
        "money_requested" => [
            ("Request for money", "You are asked for {}."),
            ("Bitte um Geld", "Sie werden um {} gebeten."),
        ],
        "request_declined" => [
            ("Request declined", "Your request for {} was declined."),
            ("Bitte abgelehnt", "Ihre Bitte um {} wurde abgelehnt."),
        ],
        "request_cancelled" => [
            ("Request taken back", "A request for {} was taken back."),
            ("Bitte zurückgezogen", "Eine Bitte um {} wurde zurückgezogen."),
        ],
        "request_expired" => [
            ("Request expired", "A request for {} has expired."),
            ("Bitte abgelaufen", "Eine Bitte um {} ist abgelaufen."),
        ],
        "statement_ready" => [
            ("Monthly statement", "Your account statement for {} is ready."),
            ("Kontoauszug", "Ihr Kontoauszug für {} ist da."),
        ],
        "security_alert" => alert(data["alert"].as_str().unwrap_or_default()),
        _ => [
            ("Something new", "Something happened on your account."),
            ("Neuigkeit", "In Ihrem Konto ist etwas geschehen."),
        ],
    }
}

fn alert(alert: &str) -> Template {
    match alert {
        "new_device_login" => [
            (
                "New device",
                "Somebody logged in from {}, where you were not seen before.",
            ),
            (
                "Neues Gerät",
                "Jemand hat sich mit {} angemeldet, wo Sie noch nie waren.",
            ),
        ],
        "password_changed" => [
            ("Password changed", "Your password was changed."),
            ("Passwort geändert", "Ihr Passwort wurde geändert."),
        ],
        "account_locked" => [
            (
                "Account locked",
                "Wrong passwords have locked your account for a while.",
            ),
            (
                "Konto gesperrt",
                "Falsche Passwörter haben Ihr Konto für eine Weile gesperrt.",
            ),
        ],
        "password_reset_requested" => [
            (
                "Password reset",
                "Somebody asked for a mail to set a new password.",
            ),
            (
                "Neues Passwort",
                "Jemand hat eine Mail für ein neues Passwort angefordert.",
            ),
        ],
        "second_factor_changed" => [
            ("Second factor", "Your second factor was changed."),
            ("Zweiter Faktor", "Ihr zweiter Faktor wurde geändert."),
        ],
        "second_factor_failed" => [
            ("Second factor", "Your password came with a wrong code."),
            ("Zweiter Faktor", "Ihr Passwort kam mit einem falschen Code."),
        ],
        "recovery_code_used" => [
            ("Recovery code", "One of your recovery codes was used."),
            ("Notfallcode", "Einer Ihrer Notfallcodes wurde benutzt."),
        ],
        "refresh_token_reused" => [
            ("Session ended", "A login was copied, so its session has ended."),
            (
                "Sitzung beendet",
                "Eine Anmeldung wurde kopiert, darum ist ihre Sitzung beendet.",
            ),
        ],
        _ => [
            ("Security notice", "Something unusual happened on your account."),
            (
                "Sicherheitshinweis",
                "In Ihrem Konto ist etwas Ungewöhnliches geschehen.",
            ),
        ],
    }
}

/// German has the decimal comma.
fn written(amount: &Money, language: Language) -> String {
    let text = amount.to_string();
    match language {
        Language::English => text,
        Language::German => text.replace('.', ","),
    }
}

/// `March 2026` for `2026-03`; what is no month stays as it is.
fn month(text: &str, language: Language) -> String {
    let Ok(day) = format!("{text}-01").parse::<NaiveDate>() else {
        return text.to_owned();
    };
    let name = MONTHS[day.month0() as usize][language as usize];
    format!("{name} {}", day.year())
}

fn device(data: &Value, language: Language) -> String {
    let unknown = match language {
        Language::English => "a device",
        Language::German => "einem Gerät",
    };
    data["device"].as_str().unwrap_or(unknown).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_language_that_is_wanted_most_is_spoken() {
        for (header, language) in [
            ("", Language::English),
            ("fr", Language::English),
            ("de", Language::German),
            ("de-AT,en;q=0.8", Language::German),
            ("fr, en;q=0.5, DE;q=0.9", Language::German),
            ("de;q=0.1, en", Language::English),
            ("de;q=x", Language::English),
            ("de;q=0", Language::English),
        ] {
            assert_eq!(Language::wanted(header), language, "{header}");
        }
    }

    #[test]
    fn amounts_months_and_devices_are_written_as_the_language_does() {
        let paid = json!({ "amount": { "amount_minor": 1250, "currency": "EUR" } });
        assert_eq!(
            words("sent", &paid, Language::English).text,
            "You sent 12.50 EUR."
        );
        assert_eq!(
            words("sent", &paid, Language::German).text,
            "Sie haben 12,50 EUR gesendet."
        );
        let ready = json!({ "month": "2026-03" });
        let text = |language| words("statement_ready", &ready, language).text;
        assert_eq!(
            text(Language::English),
            "Your account statement for March 2026 is ready."
        );
        assert_eq!(text(Language::German), "Ihr Kontoauszug für März 2026 ist da.");
        let login = json!({ "alert": "new_device_login", "device": "Firefox on Linux" });
        let words_of = words("security_alert", &login, Language::English);
        assert_eq!(
            words_of.text,
            "Somebody logged in from Firefox on Linux, where you were not seen before."
        );
    }

    #[test]
    fn every_line_has_words_in_every_language_also_of_kinds_that_are_new() {
        for kind in [
            "registered",
            "logged_in",
            "session_ended",
            "topped_up",
            "withdrawn",
            "sent",
            "received",
            "moved",
            "money_requested",
            "request_declined",
            "request_cancelled",
            "request_expired",
            "statement_ready",
            "security_alert",
            "new",
        ] {
            let of = |language| words(kind, &json!({}), language);
            let (english, german) = (of(Language::English), of(Language::German));
            assert!(!english.text.is_empty() && english != german, "{kind}");
            assert!(!english.text.contains("{}"), "{kind}");
        }
    }
}
