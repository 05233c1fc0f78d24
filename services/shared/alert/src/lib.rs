//! `SECURITY_ALERT`: what somebody should know who watches over an account or over the system. Two services raise it; this
//! is its one shape.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub const TOPIC: &str = "SECURITY_ALERT";
/// The CloudEvent's `type`.
pub const KIND: &str = "payme.security_alert.raised.v1";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A login from a device that this user never used before.
    NewDeviceLogin,
    /// Wrong passwords locked the account for a while.
    AccountLocked,
    PasswordChanged,
    /// Somebody asked for a mail that sets a new password; without a user, at an address that nobody has.
    PasswordResetRequested,
    /// The second factor was set up or taken off, or has new recovery codes.
    SecondFactorChanged,
    RecoveryCodeUsed,
    /// A right password came with a wrong code of the second factor.
    SecondFactorFailed,
    /// A refresh token came back after its use: somebody has a copy. The session has ended.
    RefreshTokenReused,
    /// One network tries passwords on many accounts.
    CredentialStuffing,
    /// A request named another user than its session's.
    UserIdMismatch,
    /// A request with a session's cookie came from another site.
    CsrfRejected,
}

/// The `data` of the event. It names people by id only.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "SecurityAlert")]
pub struct Alert {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// Coarse: `Firefox on Linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
}

impl Alert {
    /// An alert, counted by the metric `security_alerts_total`.
    #[must_use]
    pub fn new(kind: Kind, user_id: Option<Uuid>) -> Self {
        metrics::counter!("security_alerts_total", "kind" => kind.name()).increment(1);
        Self {
            kind,
            user_id,
            session_id: None,
            device: None,
            locked_until: None,
        }
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::NewDeviceLogin => "new_device_login",
            Self::AccountLocked => "account_locked",
            Self::PasswordChanged => "password_changed",
            Self::PasswordResetRequested => "password_reset_requested",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::SecondFactorFailed => "second_factor_failed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::CredentialStuffing => "credential_stuffing",
            Self::UserIdMismatch => "user_id_mismatch",
            Self::CsrfRejected => "csrf_rejected",
        }
    }
}
