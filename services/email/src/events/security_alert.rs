use chrono::{DateTime, Utc};
use inbox::{Effect, Event, Received};
use minijinja::{Value, context};
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{in_words, send_once};
use crate::AppState;
use crate::kind::Kind;
use crate::store::was_sent;

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
}

/// The owner of an account gets a mail of what happened to it.
async fn security_alert(app: &AppState, event: &Received<SecurityAlert>) -> Result<()> {
    let mails = event.data.mail().into_iter().collect();
    for (user_id, kind) in app.preferences.wanted(mails).await? {
        // Before Auth makes another token for nothing.
        if was_sent(&mut *app.pool.acquire().await?, event.id, user_id).await? {
            continue;
        }
        let written = match kind {
            Kind::PasswordReset => password_reset(app, user_id).await?,
            _ => notice(app, event, user_id).await?,
        };
        // Who is gone gets no mail.
        if let Some((address, facts)) = written {
            send_once(app, event.id, user_id, kind, &address, facts).await?;
        }
    }
    Ok(())
}

/// The address and the facts of the mail that sets a new password.
async fn password_reset(app: &AppState, user_id: Uuid) -> Result<Option<(String, Value)>> {
    let reset = app.contacts.password_reset(user_id).await?;
    Ok(reset.map(|reset| {
        let facts = context! { username => reset.username, token => reset.token };
        (reset.email, facts)
    }))
}

/// The address and the facts of a mail that only tells.
async fn notice(
    app: &AppState,
    event: &Received<SecurityAlert>,
    user_id: Uuid,
) -> Result<Option<(String, Value)>> {
    let contact = app.contacts.of(&[user_id]).await?.pop();
    Ok(contact.map(|contact| {
        let facts = context! {
            username => contact.username,
            when => in_words(event.time),
            device => event.data.device.as_deref(),
            locked_until => event.data.locked_until.map(in_words),
        };
        (contact.email, facts)
    }))
}

impl Event for SecurityAlert {
    const TOPIC: &'static str = "SECURITY_ALERT";
    const KIND: &'static str = "payme.security_alert.raised.v1";
}

impl Effect<SecurityAlert> for AppState {
    async fn apply(&self, _: &mut PgConnection, events: &[Received<SecurityAlert>]) -> Result<()> {
        for event in events {
            security_alert(self, event).await?;
        }
        Ok(())
    }
}
