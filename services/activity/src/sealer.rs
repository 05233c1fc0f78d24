//! Seals the audit log into its chain, off the hot path: no event waits for it.
//!
//! Lines get their numbers before they are committed, so a smaller number may appear after a larger one. Therefore only
//! what was written up to a mark is sealed, once everything that was under way at the mark has ended.

use std::time::Duration;

use server::Background;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::store::audit::{Turn, take_turn};
use crate::store::seals::{self, Mark};

const PERIOD: Duration = Duration::from_secs(1);
/// The most lines of one seal, and the most seals of one turn.
const LINES: i64 = 1_000;
const SEALS: u32 = 50;

/// Seals in the background; replicas take turns.
pub struct Sealer {
    pool: PgPool,
    mark: Mutex<Option<Mark>>,
}

impl Sealer {
    pub fn new(pool: PgPool) -> Self {
        let mark = Mutex::new(None);
        Self { pool, mark }
    }

    pub fn work(self, background: &Background) {
        let sealer = std::sync::Arc::new(self);
        background.every(PERIOD, "sealing the audit log", move || {
            let sealer = sealer.clone();
            async move { sealer.round().await }
        });
    }

    /// Seals what was written before the round before, as far as it is settled.
    pub async fn round(&self) -> sqlx::Result<()> {
        let mut mark = self.mark.lock().await;
        if let Some(known) = &*mark {
            if !seals::is_settled(&mut *self.pool.acquire().await?, known).await? {
                return Ok(());
            }
            let mut turns = 0;
            while turns < SEALS && self.seal(known.seq).await? {
                turns += 1;
            }
            if turns == SEALS {
                return Ok(());
            }
        }
        *mark = Some(seals::mark(&mut *self.pool.acquire().await?).await?);
        Ok(())
    }

    /// One seal. Says whether there may be more.
    async fn seal(&self, last_seq: i64) -> sqlx::Result<bool> {
        let mut tx = self.pool.begin().await?;
        if !take_turn(&mut tx, Turn::Seal).await? {
            return Ok(false);
        }
        let newest = seals::newest(&mut tx).await?;
        let sealed = seals::seal(&mut tx, &newest, last_seq, LINES).await?;
        tx.commit().await?;
        Ok(sealed == LINES)
    }
}
