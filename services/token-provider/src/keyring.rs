//! The keys of the secret store in the states that the database knows: all replicas sign with the same one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use chrono::{DateTime, Utc};
use identity::Identity;
use jsonwebtoken::jwk::JwkSet;
use problem::Result;
use serde::Serialize;
use sidecar::Sidecar;
use sqlx::PgPool;

use crate::domain::keys::{self, SigningKey};
use crate::domain::rotation::{KeyState, Schedule, asked, due, is_published, signer};
use crate::{APP_ID, store};

const SECRET: &str = "token-signing-keys";

#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    pool: PgPool,
    schedule: Schedule,
    /// Verifies its own tokens like everybody's, only that the keys are at hand.
    identity: Identity,
    ring: RwLock<Ring>,
}

struct Ring {
    keys: HashMap<String, SigningKey>,
    signer: SigningKey,
    public: JwkSet,
    states: Vec<KeyState>,
}

impl Keyring {
    pub async fn open(
        pool: PgPool,
        schedule: Schedule,
        secret: &HashMap<String, String>,
    ) -> anyhow::Result<Self> {
        let ring = turn(&pool, schedule, by_kid(secret)?).await?;
        Ok(Self(Arc::new(Inner {
            pool,
            schedule,
            identity: Identity::with_keys(APP_ID, ring.public.clone()),
            ring: RwLock::new(ring),
        })))
    }

    /// A compact JWS with this `typ` and the key whose turn it is.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let signer = self.read(|ring| ring.signer.clone());
        signer.sign(typ, claims)
    }

    /// The public halves of all keys whose tokens may be about.
    pub fn public(&self) -> JwkSet {
        self.read(|ring| ring.public.clone())
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Each published key, and whether it is the one that signs.
    pub fn states(&self) -> Vec<(KeyState, bool)> {
        self.read(|ring| {
            let published = ring
                .states
                .iter()
                .filter(|key| ring.public.find(&key.kid).is_some());
            published
                .map(|key| (key.clone(), key.kid == ring.signer.kid))
                .collect()
        })
    }

    /// Gives the next key its turn, as soon as everybody can know it; `None` if none waits.
    pub async fn rotate(&self, now: DateTime<Utc>) -> Result<Option<(String, DateTime<Utc>)>> {
        let mut tx = self.0.pool.begin().await?;
        let states = self.known(store::keys::lock_all(&mut tx).await?);
        let Some((kid, from)) = asked(&states, self.0.schedule, now) else {
            return Ok(None);
        };
        store::keys::set_turn(&mut tx, &kid, from).await?;
        tx.commit().await?;
        Ok(Some((kid, from)))
    }

    /// Follows the secret store, the other replicas and the schedule.
    pub async fn follow(&self, sidecar: &Sidecar) -> anyhow::Result<()> {
        self.refresh(&secret(sidecar).await?).await
    }

    /// Takes the keys of a secret that may have changed.
    pub async fn refresh(&self, secret: &HashMap<String, String>) -> anyhow::Result<()> {
        let ring = turn(&self.0.pool, self.0.schedule, by_kid(secret)?).await?;
        self.0.identity.set_keys(&ring.public).await;
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    fn known(&self, mut states: Vec<KeyState>) -> Vec<KeyState> {
        self.read(|ring| states.retain(|state| ring.keys.contains_key(&state.kid)));
        states
    }

    fn read<T>(&self, of: impl FnOnce(&Ring) -> T) -> T {
        of(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The secret with which a replica starts.
pub async fn secret(sidecar: &Sidecar) -> anyhow::Result<HashMap<String, String>> {
    Ok(sidecar.secret(SECRET).await?)
}

fn by_kid(secret: &HashMap<String, String>) -> anyhow::Result<HashMap<String, SigningKey>> {
    Ok(keys::read(secret)?
        .into_iter()
        .map(|key| (key.kid.clone(), key))
        .collect())
}

/// Notes new keys, sets the turn that is due, and sees who signs.
async fn turn(pool: &PgPool, schedule: Schedule, keys: HashMap<String, SigningKey>) -> anyhow::Result<Ring> {
    let now = Utc::now();
    let mut tx = pool.begin().await?;
    let mut states = store::keys::lock_all(&mut tx).await?;
    for key in keys.values() {
        if !states.iter().any(|state| state.kid == key.kid) {
            let state = KeyState {
                kid: key.kid.clone(),
                algorithm: key.algorithm,
                published_at: now,
                signs_from: None,
            };
            store::keys::insert(&mut tx, &state).await?;
            states.push(state);
        }
    }
    // A key that was taken out of the store is as good as lost: nothing signs with it, nothing of it is accepted.
    states.retain(|state| keys.contains_key(&state.kid));
    if let Some((kid, from)) = due(&states, schedule, now) {
        store::keys::set_turn(&mut tx, &kid, from).await?;
        tracing::info!(kid, %from, "a signing key gets its turn");
        for state in states.iter_mut().filter(|state| state.kid == kid) {
            state.signs_from = Some(from);
        }
    }
    tx.commit().await?;
    let signing = signer(&states, now).context("no signing key has its turn")?;
    let age = now - signing.signs_from.unwrap_or(now);
    #[expect(clippy::cast_precision_loss, reason = "seconds of some years are exact")]
    metrics::gauge!("signing_key_age_seconds").set(age.num_seconds() as f64);
    if age > schedule.period && !states.iter().any(|state| state.signs_from.is_none()) {
        tracing::warn!(
            kid = signing.kid,
            "the signing key is older than its period, and none waits to follow it"
        );
    }
    let published = states.iter().filter(|state| is_published(state, &states, now));
    let public = JwkSet {
        keys: published
            .filter_map(|state| keys.get(&state.kid))
            .map(|key| key.public.clone())
            .collect(),
    };
    let signer = keys
        .get(&signing.kid)
        .context("the signing key is not in the store")?
        .clone();
    Ok(Ring {
        keys,
        signer,
        public,
        states,
    })
}
