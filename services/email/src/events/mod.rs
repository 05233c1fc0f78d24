//! What arrives by topic, and the mails that follow. Whatever fails is answered with an error, and the event comes again;
//! mails that were sent already are not sent again.

mod security_alert;
mod transaction_made;
mod user_registered;

use chrono::{DateTime, Utc};
use minijinja::Value;
use problem::Result;
use uuid::Uuid;

use crate::AppState;
use crate::kind::Kind;
use crate::store::first_mail;

pub use security_alert::SecurityAlert;
pub use transaction_made::TransactionMade;
pub use user_registered::UserRegistered;

/// Sends a mail of this event to a user, once: the note of it is committed only if the mail was taken.
async fn send_once(
    app: &AppState,
    event_id: Uuid,
    user_id: Uuid,
    kind: Kind,
    address: &str,
    facts: Value,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    if first_mail(&mut tx, event_id, user_id, kind, Utc::now()).await? {
        app.mailer.send(kind, address, facts).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A time as mails tell it.
fn in_words(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}
