//! The kinds of mails. Each is one line here and one file in `templates/`.

/// Makes of each line a kind with its name, its subject and its template.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $subject:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            pub fn subject(self) -> &'static str {
                match self { $(Self::$kind => $subject),+ }
            }

            pub fn template(self) -> &'static str {
                match self { $(Self::$kind => include_str!(concat!("templates/", $name, ".html"))),+ }
            }
        }
    };
}

// A subject never holds anything that a user wrote.
kinds! {
    Verification, "verification", "Please verify your email address";
    /// To the owner of an address with which somebody else registers.
    AddressTaken, "address_taken", "Somebody tried to register with your address";
    Sent, "sent", "You sent money";
    Received, "received", "You received money";
    ToppedUp, "topped_up", "Your account was topped up";
    Withdrawn, "withdrawn", "You took money out";
    Refunded, "refunded", "You got money back";
    NewDeviceLogin, "new_device_login", "A login from a new device";
    AccountLocked, "account_locked", "Your account is locked for a while";
    PasswordChanged, "password_changed", "Your password was changed";
    PasswordReset, "password_reset", "Set a new password";
    SecondFactorChanged, "second_factor_changed", "Your second factor was changed";
    RecoveryCodeUsed, "recovery_code_used", "A recovery code was used";
    SecondFactorFailed, "second_factor_failed", "Somebody knows your password";
    RefreshTokenReused, "refresh_token_reused", "We ended a session to protect you";
}

impl Kind {
    /// The name of the preference by which users go without it; of the others everybody gets all.
    pub fn preference(self) -> Option<&'static str> {
        match self {
            Self::Sent | Self::Withdrawn => Some("money_sent"),
            Self::Received | Self::Refunded => Some("money_received"),
            Self::ToppedUp => Some("topped_up"),
            Self::NewDeviceLogin => Some("new_device_login"),
            _ => None,
        }
    }
}
