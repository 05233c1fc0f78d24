use axum::extract::State;
use chrono::{DateTime, Utc};
use outbox::{Outcome, Received};
use problem::Result;
use serde::Deserialize;
use uuid::Uuid;

use super::{Due, commit};
use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;

/// `SECURITY_ALERT`, as far as mails tell of it.
#[derive(Deserialize)]
pub struct SecurityAlert {
    kind: String,
    user_id: Option<Uuid>,
    device: Option<String>,
    locked_until: Option<DateTime<Utc>>,
}

impl SecurityAlert {
    /// Who gets which mail. Alerts of other kinds, new ones among them, are for those who watch over the system.
    fn mail(&self) -> Option<(Uuid, Kind)> {
        let kind = match self.kind.as_str() {
            "new_device_login" => Kind::NewDeviceLogin,
            "account_locked" => Kind::AccountLocked,
            "password_changed" => Kind::PasswordChanged,
            "password_reset_requested" => Kind::PasswordReset,
            "second_factor_changed" => Kind::SecondFactorChanged,
            "recovery_code_used" => Kind::RecoveryCodeUsed,
            "second_factor_failed" => Kind::SecondFactorFailed,
            "refresh_token_reused" => Kind::RefreshTokenReused,
            _ => return None,
        };
        Some((self.user_id?, kind))
    }

    /// The owner of an account gets a mail of what happened to it.
    fn mails(event: &Received<Self>) -> Vec<Due> {
        let due = |(user_id, kind)| Due {
            user_id,
            kind,
            facts: Facts {
                at: event.time,
                device: event.data.device.clone(),
                locked_until: event.data.locked_until,
                ..Facts::default()
            },
        };
        event.data.mail().map(due).into_iter().collect()
    }
}

pub async fn security_alert(State(app): State<AppState>, event: Received<SecurityAlert>) -> Result<Outcome> {
    if !event.is("payme.security_alert.raised.v1") {
        return Ok(Outcome::Drop);
    }
    commit(&app, event.id, &SecurityAlert::mails(&event)).await?;
    Ok(Outcome::Success)
}
