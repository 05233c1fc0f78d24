//! Events that take effect once, and of which none is lost.
//!
//! A consumer says what an event does ([`Effect`]) and which events it takes ([`Inbox::on`]); [`Inbox::routes`] is where
//! the sidecar delivers them, many at a time. The effects of a delivery and the ids of its events commit together, so a
//! second delivery changes nothing. An event that can't take effect is put aside as a *dead letter*, so that the others
//! go on: [`Inbox::work`] tries it again, later and later, and operators see what is there ([`admin`], [`command`]).
//! Only a database that is down is told to the sidecar, which then delivers all again.
//!
//! Both tables are in `tables.sql`; each consumer creates its own in its migrations.

mod admin;
mod command;
mod consumer;
mod delivery;
mod letters;
mod received;
mod retention;
mod retry;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgPool};

pub use admin::admin;
pub use command::command;
use consumer::{Consume, Consumer};
pub use delivery::{Delivery, trusted};
pub use received::{Received, Unreadable};
pub use retention::{forget_chunk, forget_old};

/// The data of an event, as far as its consumer reads it.
pub trait Event: DeserializeOwned + Send + Sync + 'static {
    const TOPIC: &'static str;
    /// The CloudEvent's `type`: `payme.<noun>.<verb>.v1`.
    const KIND: &'static str;
}

/// What events do to a consumer.
pub trait Effect<E: Event>: Clone + Send + Sync + 'static {
    /// Does it, for events that were never here before, in the transaction that notes their ids. If it fails, nothing of
    /// it stays, and each of the events is tried by itself.
    fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Received<E>],
    ) -> impl Future<Output = problem::Result<()>> + Send;

    /// What follows once the effect is committed, such as waking a worker.
    fn applied(&self) {}
}

/// Which events a service takes, and what they do.
#[derive(Clone)]
pub struct Inbox {
    pool: PgPool,
    consumers: Vec<Arc<dyn Consume>>,
}

impl Inbox {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let consumers = Vec::new();
        Self { pool, consumers }
    }

    /// Takes the events `E`, which do what `app` says.
    #[must_use]
    pub fn on<E: Event>(mut self, app: &impl Effect<E>) -> Self {
        self.consumers.push(Arc::new(Consumer::<_, E>::new(app.clone())));
        self
    }
}
