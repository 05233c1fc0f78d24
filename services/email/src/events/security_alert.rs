use chrono::{DateTime, Utc};
use inbox::{Effect, Event, Received};
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Due, queue_all};
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

impl Event for SecurityAlert {
    const TOPIC: &'static str = "SECURITY_ALERT";
    const KIND: &'static str = "payme.security_alert.raised.v1";
}

impl Effect<SecurityAlert> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<SecurityAlert>]) -> Result<()> {
        queue_all(conn, events, SecurityAlert::mails).await
    }

    fn applied(&self) {
        self.wake.notify_one();
    }
}
