//! Password hashes: Argon2id with 19 MiB, 2 passes, 1 lane (OWASP's choice), as many at a time as there are cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use problem::{Problem, Result};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who would wait longer than a second or two is told to come again.
const QUEUE: usize = 64;

#[derive(Clone)]
pub struct Hashing {
    argon2: Argon2<'static>,
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Verified against for an unknown user, so that it takes as long as for a known one.
    nobody: Arc<str>,
}

impl Hashing {
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| anyhow!("{error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = argon2
            .hash_password(b"nobody has this password")
            .map_err(|error| anyhow!("{error}"))?
            .to_string();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            argon2,
            cores: Arc::new(Semaphore::new(cores)),
            waiting: Arc::default(),
            nobody: nobody.into(),
        })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        let hashed = self
            .run(move || {
                argon2
                    .hash_password(password.as_bytes())
                    .map(|hash| hash.to_string())
            })
            .await?;
        hashed.map_err(|error| Problem::internal(&error))
    }

    /// Whether the password is that of the hash; `None` is a user who is not there, and takes as long.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        self.run(move || {
            let matches = PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            known && matches
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = Place::take(&self.waiting)?;
        let permit = self.cores.clone().acquire_owned().await?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, also when the caller has gone.
            let _permit = permit;
            work()
        });
        Ok(done.await?)
    }
}

/// A place in the queue, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self> {
        let place = Self(waiting.clone());
        if waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            return Err(Problem::busy(1));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_passes() {
        let hashing = Hashing::new().unwrap();
        let hash = hashing.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            hashing
                .verify("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!hashing.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(
            !hashing
                .verify("nobody has this password".into(), None)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_full_queue_sends_people_away_and_recovers() {
        let hashing = Hashing::new().unwrap();
        let places: Vec<_> = (0..QUEUE)
            .map(|_| Place::take(&hashing.waiting).unwrap())
            .collect();
        assert_eq!(hashing.verify("x".into(), None).await.unwrap_err().code(), "busy");
        drop(places);
        assert!(!hashing.verify("x".into(), None).await.unwrap());
    }
}
