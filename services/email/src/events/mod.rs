//! What arrives by topic, and the mails that follow. An event only queues them, in its own transaction; it asks nobody.

mod payment_request_changed;
mod security_alert;
mod statement_ready;
mod transaction_made;
mod user_registered;

use inbox::Received;
use problem::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::facts::Facts;
use crate::kind::Kind;
use crate::store::queue;

pub use payment_request_changed::PaymentRequestChanged;
pub use security_alert::SecurityAlert;
pub use statement_ready::StatementReady;
pub use transaction_made::TransactionMade;
pub use user_registered::UserRegistered;

/// A mail that follows from an event.
pub struct Due {
    pub user_id: Uuid,
    pub kind: Kind,
    pub facts: Facts,
}

/// Queues the mails of events, each once however often an event comes.
async fn queue_all<T>(
    conn: &mut PgConnection,
    events: &[Received<T>],
    mails: impl Fn(&Received<T>) -> Vec<Due>,
) -> Result<()> {
    let due = |event| mails(event).into_iter().map(|mail| (event.id, mail));
    let mails: Vec<_> = events.iter().flat_map(due).collect();
    Ok(queue::add_all(conn, &mails).await?)
}
