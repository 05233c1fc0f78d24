//! Token Provider's public keys (RFC 7517): fetched through the sidecar, cached, and fetched again when a token
//! names a key that is not there. That is rate-limited, so that forged key ids can't be turned into a flood.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use jsonwebtoken::jwk::{JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use problem::{Problem, Result};
use reqwest::Method;
use sidecar::Sidecar;
use tokio::sync::RwLock;

const PAUSE_BETWEEN_FETCHES: Duration = Duration::from_secs(5);
/// A key that Token Provider takes back is forgotten after this, unless Token Provider can't be asked: an outage there
/// must not become one of every service.
const MAX_AGE: Duration = Duration::from_mins(5);

#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

pub struct Keys {
    sidecar: Option<Sidecar>,
    cached: RwLock<Cached>,
}

struct Cached {
    keys: HashMap<String, Arc<Key>>,
    fetched_at: Option<Instant>,
    tried_at: Option<Instant>,
    last_failure: Option<Problem>,
}

impl Keys {
    pub fn fetched(sidecar: Sidecar) -> Self {
        Self {
            sidecar: Some(sidecar),
            cached: RwLock::new(Cached::of(HashMap::new())),
        }
    }

    pub fn preset(set: &JwkSet) -> Self {
        Self {
            sidecar: None,
            cached: RwLock::new(Cached::of(usable(set))),
        }
    }

    pub async fn set(&self, set: &JwkSet) {
        *self.cached.write().await = Cached::of(usable(set));
    }

    /// The key of that id, if Token Provider has it.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>> {
        let Some(sidecar) = &self.sidecar else {
            return Ok(self.cached.read().await.keys.get(kid).cloned());
        };
        if let Some(key) = self.cached.read().await.fresh(kid) {
            return Ok(Some(key));
        }
        // Whoever waited here for another's fetch finds its result instead of fetching again.
        let mut cached = self.cached.write().await;
        if let Some(key) = cached.fresh(kid) {
            return Ok(Some(key));
        }
        if cached
            .tried_at
            .is_none_or(|at| at.elapsed() >= PAUSE_BETWEEN_FETCHES)
        {
            cached.tried_at = Some(Instant::now());
            cached.note(fetch(sidecar).await);
        }
        match (cached.keys.get(kid), &cached.last_failure) {
            (Some(key), _) => Ok(Some(key.clone())),
            // It may well be a key that could not be fetched: that is no fault of the token.
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => Ok(None),
        }
    }
}

impl Cached {
    fn of(keys: HashMap<String, Arc<Key>>) -> Self {
        Self {
            keys,
            fetched_at: None,
            tried_at: None,
            last_failure: None,
        }
    }

    fn note(&mut self, fetched: Result<JwkSet>) {
        match fetched {
            Ok(set) => {
                self.keys = usable(&set);
                self.fetched_at = Some(Instant::now());
                self.last_failure = None;
            }
            Err(failure) => self.last_failure = Some(failure),
        }
    }

    fn fresh(&self, kid: &str) -> Option<Arc<Key>> {
        self.fetched_at
            .filter(|at| at.elapsed() < MAX_AGE)
            .and_then(|_| self.keys.get(kid).cloned())
    }
}

async fn fetch(sidecar: &Sidecar) -> Result<JwkSet> {
    let unavailable = |error: reqwest::Error| {
        tracing::warn!(%error, "Token Provider's keys could not be fetched");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "keys_unavailable",
            "Tokens can't be verified right now",
        )
        .retry_after_s(1)
    };
    let answer = sidecar
        .request(Method::GET, "token-provider", "/.well-known/jwks.json")
        .send()
        .await
        .map_err(unavailable)?;
    answer
        .error_for_status()
        .map_err(unavailable)?
        .json()
        .await
        .map_err(unavailable)
}

/// Keys that say their id and an algorithm that we accept; others in the set are passed over.
fn usable(set: &JwkSet) -> HashMap<String, Arc<Key>> {
    set.keys
        .iter()
        .filter_map(|jwk| {
            let kid = jwk.common.key_id.clone()?;
            let algorithm = match jwk.common.key_algorithm? {
                KeyAlgorithm::RS256 => Algorithm::RS256,
                KeyAlgorithm::ES256 => Algorithm::ES256,
                _ => return None,
            };
            let decoding = DecodingKey::from_jwk(jwk).ok()?;
            Some((kid, Arc::new(Key { algorithm, decoding })))
        })
        .collect()
}
