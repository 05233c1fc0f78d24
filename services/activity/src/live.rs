//! Who is listening to their feed, and what wakes them: one connection per process hears from PostgreSQL whose feeds have new lines,
//! whichever replica has added them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use problem::{Problem, Result};
use server::Background;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::live::CHANNEL;

/// A browser has one for each of its windows.
const MOST_OF_A_USER: usize = 8;
const MOST: usize = 2_000;
const PAUSE: Duration = Duration::from_secs(1);

/// The streams of this replica. Clones share them.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<Streams>>);

#[derive(Default)]
struct Streams {
    of_users: HashMap<Uuid, Vec<Arc<Notify>>>,
    count: usize,
    closed: bool,
}

/// One stream, which counts until it is dropped.
pub struct Stream {
    live: Live,
    user_id: Uuid,
    woken: Arc<Notify>,
}

impl Live {
    /// # Errors
    /// `too_many_streams` if the user has as many as one may have, `busy` if there are as many as a replica can have.
    pub fn open(&self, user_id: Uuid) -> Result<Stream> {
        let mut streams = self.lock();
        if streams.count >= MOST || streams.closed {
            return Err(busy());
        }
        let of_user = streams.of_users.entry(user_id).or_default();
        if of_user.len() >= MOST_OF_A_USER {
            return Err(too_many_streams());
        }
        let woken = Arc::new(Notify::new());
        of_user.push(woken.clone());
        streams.count += 1;
        count(&streams);
        Ok(Stream {
            live: self.clone(),
            user_id,
            woken,
        })
    }

    /// Listens in the background, and ends all streams as soon as the service is told to stop: they would hold up the drain.
    pub fn work(&self, background: &Background, pool: PgPool) {
        let live = self.clone();
        background.spawn(|stop| async move {
            stop.run_until_cancelled(live.listen(pool)).await;
        });
        let live = self.clone();
        background.spawn(|stop| async move {
            stop.run_until_cancelled(server::stop_signal()).await;
            live.close();
        });
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.wake_all();
    }

    async fn listen(&self, pool: PgPool) {
        loop {
            if let Err(error) = self.hear(&pool).await {
                tracing::warn!(%error, "new lines of feeds can't be heard of");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Until the connection is lost. What was said before it was there is looked for.
    async fn hear(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        self.wake_all();
        while let Some(notification) = listener.try_recv().await? {
            let names = notification.payload().split(',');
            self.wake(names.filter_map(|name| name.parse().ok()));
        }
        Ok(())
    }

    fn wake(&self, users: impl Iterator<Item = Uuid>) {
        let streams = self.lock();
        for woken in users
            .filter_map(|user_id| streams.of_users.get(&user_id))
            .flatten()
        {
            woken.notify_one();
        }
    }

    fn wake_all(&self) {
        for woken in self.lock().of_users.values().flatten() {
            woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    pub fn user_id(&self) -> Uuid {
        self.user_id
    }

    /// Returns when there may be new lines since it returned last.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }

    pub fn is_closed(&self) -> bool {
        self.live.lock().closed
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut streams = self.live.lock();
        if let Some(of_user) = streams.of_users.get_mut(&self.user_id) {
            of_user.retain(|woken| !Arc::ptr_eq(woken, &self.woken));
            if of_user.is_empty() {
                streams.of_users.remove(&self.user_id);
            }
        }
        streams.count -= 1;
        count(&streams);
    }
}

fn count(streams: &Streams) {
    metrics::gauge!("activity_streams").set(u32::try_from(streams.count).unwrap_or(u32::MAX));
}

fn too_many_streams() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_streams",
        "You have as many open streams as one may have",
    )
    .retry_after_s(30)
}

fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "There are as many open streams as there can be",
    )
    .retry_after_s(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_bounded_number_of_streams_and_a_closed_one_makes_room() {
        let (live, ada) = (Live::default(), Uuid::now_v7());
        let mut open: Vec<_> = (0..MOST_OF_A_USER).map(|_| live.open(ada).unwrap()).collect();
        assert_eq!(live.open(ada).err().unwrap().code(), "too_many_streams");
        assert!(live.open(Uuid::now_v7()).is_ok());
        open.pop();
        assert!(live.open(ada).is_ok());
    }

    #[test]
    fn all_streams_together_are_bounded_and_none_opens_while_the_service_stops() {
        let live = Live::default();
        let open: Vec<_> = (0..MOST).map(|_| live.open(Uuid::now_v7()).unwrap()).collect();
        assert_eq!(live.open(Uuid::now_v7()).err().unwrap().code(), "busy");
        drop(open);
        assert!(live.lock().of_users.is_empty());
        live.close();
        assert_eq!(live.open(Uuid::now_v7()).err().unwrap().code(), "busy");
    }
}
