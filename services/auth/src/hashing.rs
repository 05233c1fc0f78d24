//! Password hashes: Argon2id with 19 MiB, 2 passes, 1 lane (OWASP's choice), as many at a time as there are cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use problem::{Problem, Result};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who would wait longer than a second or two is told to come again.
const QUEUE: usize = 64;

#[derive(Clone)]
pub struct Hashing {
    params: Params,
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Memory of hashes that are done, for the next ones: asking the system for it anew costs a third of a hash.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    /// Verified against for an unknown user, so that it takes as long as for a known one.
    nobody: Arc<str>,
}

impl Hashing {
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| anyhow!("{error}"))?;
        let nobody = hash(&params, b"nobody has this password", &mut Vec::new());
        let nobody = nobody.map_err(|error| anyhow!("{error}"))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            params,
            cores: Arc::new(Semaphore::new(cores)),
            waiting: Arc::default(),
            memory: Arc::default(),
            nobody: nobody.into(),
        })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: String) -> Result<String> {
        let params = self.params.clone();
        let hashed = self
            .run(move |memory| hash(&params, password.as_bytes(), memory))
            .await?;
        hashed.map_err(|error| Problem::internal(&error))
    }

    /// Whether the password is that of the hash; `None` is a user who is not there, and takes as long.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let matches = self
            .run(move |memory| verify(&hash, password.as_bytes(), memory))
            .await?;
        // Only a hash that is broken fails; a wrong password does not.
        Ok(known && matches.map_err(|error| Problem::internal(&error))?)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let _place = Place::take(&self.waiting)?;
        let permit = self.cores.clone().acquire_owned().await?;
        let idle = self.memory.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, also when the caller has gone.
            let _permit = permit;
            let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = idle().pop().unwrap_or_default();
            let done = work(&mut memory);
            idle().push(memory);
            done
        });
        Ok(done.await?)
    }
}

type Hashed<T> = Result<T, argon2::password_hash::Error>;

fn hash(params: &Params, password: &[u8], memory: &mut Vec<Block>) -> Hashed<String> {
    let salt = Salt::new(&rand::random::<[u8; 16]>())?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let output = derive(algorithm, version, params, password, &salt, memory)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// With the parameters that the hash names, which may be those of an earlier time.
fn verify(hash: &str, password: &[u8], memory: &mut Vec<Block>) -> Hashed<bool> {
    let hash = PasswordHash::new(hash)?;
    let (algorithm, params) = (
        Algorithm::try_from(hash.algorithm.as_str())?,
        Params::try_from(&hash)?,
    );
    let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Ok(false);
    };
    let output = derive(algorithm, version, &params, password, salt, memory)?;
    // In a time that does not depend on where they differ.
    Ok(output == *expected)
}

fn derive(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Hashed<Output> {
    memory.resize(params.block_count().max(memory.len()), Block::new());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(algorithm, version, params.clone());
    argon2.hash_password_into_with_memory(password, salt, &mut output, memory)?;
    Ok(Output::new(&output)?)
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
