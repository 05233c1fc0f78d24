//! The next access token of a session, for its refresh token.

use alert::{Alert, Kind};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use problem::Result;
use sqlx::{Postgres, Transaction};

use crate::AppState;
use crate::domain::standing::{Status, standing};
use crate::events::{Reason, security_alert};
use crate::routes::session_ended;
use crate::sessions::{self, Access, remember};
use crate::store::sessions::Session;
use crate::store::{self, users};
use crate::token_provider::Refreshed;

/// What a refresh token brings.
pub enum Outcome {
    Next(Access, String),
    /// It was used before: the session has ended by this, as the headers tell the gateway.
    Stolen(HeaderMap),
}

/// Ended, expired, or unused for too long.
pub fn is_over(app: &AppState, session: &Session, now: DateTime<Utc>) -> bool {
    // A browser's session is a browser's as long as it has a name there; others sleep as long as they like.
    let idle = session.session_ref.is_some() && now - session.last_used_at > app.config.session_idle;
    session.is_over(now) || idle
}

/// A new pair from Token Provider, with the roles and the status that the user has today. A browser's refresh token stays
/// here; a used one that comes back ends the session.
pub async fn refresh(
    app: &AppState,
    mut tx: Transaction<'_, Postgres>,
    session: &Session,
    refresh_token: &str,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let user = users::find_by_id(&mut tx, session.user_id)
        .await?
        .ok_or_else(session_ended)?;
    // A lock keeps strangers out who guess passwords; who is inside already may stay.
    let status = Status {
        locked_until: None,
        ..user.status()
    };
    standing(&status, now).map_err(|_| session_ended())?;
    let refreshed = app
        .token_provider
        .refresh(refresh_token, session.id, &user.roles)
        .await?;
    let tokens = match refreshed {
        Refreshed::Tokens(tokens) => tokens,
        Refreshed::Ended => return Err(session_ended()),
        Refreshed::Reused => {
            let mut alert = Alert::new(Kind::RefreshTokenReused, Some(user.id));
            alert.session_id = Some(session.id);
            outbox::enqueue(&mut tx, &security_alert(&alert, now)?).await?;
            let only = (Some(session.id), None);
            let ended = sessions::end(&mut tx, user.id, only, Reason::RefreshTokenReused, now).await?;
            tx.commit().await?;
            return Ok(Outcome::Stolen(ended.after_commit(app)));
        }
    };
    let kept = match &session.session_ref {
        Some(_) => Some(
            app.sealing
                .seal(session.id.as_bytes(), tokens.refresh_token.clone().into_bytes())?,
        ),
        None => None,
    };
    store::sessions::used(&mut tx, session.id, kept.as_deref(), now).await?;
    tx.commit().await?;
    let access = Access {
        access_token: tokens.access_token,
        issued_at: now,
        access_expires_at: tokens.access_expires_at,
    };
    remember(app, session.id, &access).await?;
    Ok(Outcome::Next(access, tokens.refresh_token))
}
