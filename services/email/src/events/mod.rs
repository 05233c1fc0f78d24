//! What arrives by topic, and the mails that follow. An event only queues them, in its own transaction; it asks nobody.

mod security_alert;
mod transaction_made;
mod user_registered;

use problem::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;
use crate::store::queue;

pub use security_alert::security_alert;
pub use transaction_made::transaction_made;
pub use user_registered::user_registered;

/// A mail that follows from an event.
pub struct Due {
    pub user_id: Uuid,
    pub kind: Kind,
    pub facts: Facts,
}

/// Queues the mails of an event, each once however often the event comes.
async fn queue_all(conn: &mut PgConnection, event_id: Uuid, mails: &[Due]) -> sqlx::Result<()> {
    for mail in mails {
        queue::add(conn, event_id, mail).await?;
    }
    Ok(())
}

/// As [`queue_all`], in a transaction of its own.
async fn commit(app: &AppState, event_id: Uuid, mails: &[Due]) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    queue_all(&mut tx, event_id, mails).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}
