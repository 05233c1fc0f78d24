//! One kind of event and what it does, with its types out of sight, so that a service has one list of them.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::pin::Pin;

use problem::Problem;
use serde_json::Value;
use sqlx::{PgConnection, query_scalar};
use uuid::Uuid;

use crate::{Effect, Event, Received, Unreadable};

/// Why events had no effect.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{}", .0.code())]
    Effect(Problem),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl Failure {
    /// Whether another attempt would be in vain.
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Unreadable(_))
    }
}

pub type Taken<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

pub trait Consume: Send + Sync {
    fn topic(&self) -> &'static str;

    /// Notes the events that are not noted yet, and does what they do, in the caller's transaction.
    fn take<'a>(&'a self, conn: &'a mut PgConnection, events: &'a [Value]) -> Taken<'a>;

    fn committed(&self);
}

pub struct Consumer<A, E> {
    app: A,
    event: PhantomData<fn() -> E>,
}

impl<A, E> Consumer<A, E> {
    pub fn new(app: A) -> Self {
        let event = PhantomData;
        Self { app, event }
    }
}

impl<A: Effect<E>, E: Event> Consume for Consumer<A, E> {
    fn topic(&self) -> &'static str {
        E::TOPIC
    }

    fn take<'a>(&'a self, conn: &'a mut PgConnection, events: &'a [Value]) -> Taken<'a> {
        Box::pin(async move {
            let events = events
                .iter()
                .map(Received::<E>::read)
                .collect::<Result<Vec<_>, _>>()?;
            let mut new = note(conn, events.iter().map(|event| event.id).collect()).await?;
            // An event that comes twice in one delivery counts once.
            let events: Vec<_> = events.into_iter().filter(|event| new.remove(&event.id)).collect();
            if events.is_empty() {
                return Ok(());
            }
            self.app.apply(conn, &events).await.map_err(Failure::Effect)
        })
    }

    fn committed(&self) {
        self.app.applied();
    }
}

/// Notes the ids and says which were not here before. A delivery of the same events that runs at the same time waits here
/// for the commit of the first one.
async fn note(conn: &mut PgConnection, mut ids: Vec<Uuid>) -> sqlx::Result<HashSet<Uuid>> {
    // In one order, so that two deliveries never wait for each other.
    ids.sort_unstable();
    let new = query_scalar("INSERT INTO inbox (event_id) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id")
        .bind(ids)
        .fetch_all(conn)
        .await?;
    Ok(new.into_iter().collect())
}
