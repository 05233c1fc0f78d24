//! The kinds of mails. Each is one line here and one text for each language in `templates/`.

use crate::language::Language;

/// Makes of each line a kind with its name, its subjects and its templates.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $english:literal, $german:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            pub fn subject(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$kind, Language::English) => $english, (Self::$kind, Language::German) => $german),+
                }
            }

            pub fn template(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$kind, Language::English) => include_str!(concat!("templates/en/", $name, ".txt")),
                      (Self::$kind, Language::German) => include_str!(concat!("templates/de/", $name, ".txt"))),+
                }
            }
        }
    };
}

// A subject never holds anything that a user wrote.
kinds! {
    Verification, "verification", "Please verify your email address", "Bitte bestätige deine E-Mail-Adresse";
    /// To the owner of an address with which somebody else registers.
    AddressTaken, "address_taken", "Somebody tried to register with your address", "Jemand wollte sich mit deiner Adresse anmelden";
    Sent, "sent", "You sent money", "Du hast Geld gesendet";
    Received, "received", "You received money", "Du hast Geld erhalten";
    ToppedUp, "topped_up", "Your account was topped up", "Dein Konto wurde aufgeladen";
    Withdrawn, "withdrawn", "You took money out", "Du hast Geld ausgezahlt";
    Refunded, "refunded", "You got money back", "Du hast Geld zurückbekommen";
    MoneyRequested, "money_requested", "You are asked for money", "Du wirst um Geld gebeten";
    RequestDeclined, "request_declined", "Your request for money was declined", "Deine Bitte um Geld wurde abgelehnt";
    RequestExpired, "request_expired", "Your request for money has expired", "Deine Bitte um Geld ist abgelaufen";
    Statement, "statement", "Your monthly statement", "Dein monatlicher Kontoauszug";
    NewDeviceLogin, "new_device_login", "A login from a new device", "Eine Anmeldung von einem neuen Gerät";
    AccountLocked, "account_locked", "Your account is locked for a while", "Dein Zugang ist eine Weile gesperrt";
    PasswordChanged, "password_changed", "Your password was changed", "Dein Passwort wurde geändert";
    PasswordReset, "password_reset", "Set a new password", "Setze ein neues Passwort";
    SecondFactorChanged, "second_factor_changed", "Your second factor was changed", "Dein zweiter Faktor wurde geändert";
    RecoveryCodeUsed, "recovery_code_used", "A recovery code was used", "Ein Wiederherstellungscode wurde benutzt";
    SecondFactorFailed, "second_factor_failed", "Somebody knows your password", "Jemand kennt dein Passwort";
    RefreshTokenReused, "refresh_token_reused", "We ended a session to protect you", "Wir haben zu deinem Schutz eine Sitzung beendet";
}

impl Kind {
    /// Whether somebody waits for it, or ought to read it soon.
    pub fn is_urgent(self) -> bool {
        !matches!(
            self,
            Self::Sent
                | Self::Received
                | Self::ToppedUp
                | Self::Withdrawn
                | Self::Refunded
                | Self::MoneyRequested
                | Self::RequestDeclined
                | Self::RequestExpired
                | Self::Statement
        )
    }

    /// The name of the preference by which users go without it; of the others everybody gets all.
    pub fn preference(self) -> Option<&'static str> {
        match self {
            Self::Sent | Self::Withdrawn => Some("money_sent"),
            Self::Received | Self::Refunded => Some("money_received"),
            Self::ToppedUp => Some("topped_up"),
            Self::MoneyRequested | Self::RequestDeclined | Self::RequestExpired => Some("payment_requests"),
            Self::Statement => Some("statement"),
            Self::NewDeviceLogin => Some("new_device_login"),
            _ => None,
        }
    }
}
