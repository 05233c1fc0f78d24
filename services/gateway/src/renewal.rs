//! The renewal ahead: one background task per session, in this process and across replicas. Nobody waits for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;

use crate::domain::session::SessionCookie;
use crate::{AppState, auth};

/// The sessions whose token this process renews right now, by cache key.
#[derive(Clone, Default)]
pub struct Renewals(Arc<Mutex<HashSet<String>>>);

impl Renewals {
    /// Starts a renewal, unless one is under way.
    pub fn start(&self, app: &AppState, cookie: &SessionCookie) {
        let key = cookie.cache_key();
        if !self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone())
        {
            return;
        }
        let (renewals, app, cookie) = (self.clone(), app.clone(), cookie.clone());
        tokio::spawn(async move {
            if app.cache.may_renew(&cookie).await {
                renew(&app, &cookie).await;
            }
            renewals
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
        });
    }
}

async fn renew(app: &AppState, cookie: &SessionCookie) {
    let now = Utc::now();
    let renewed = match auth::renew(app, cookie, now).await {
        Ok(entry) => app.cache.put(cookie, &entry, now).await,
        Err(problem) => Err(problem),
    };
    if let Err(problem) = renewed {
        tracing::warn!(
            code = problem.code(),
            "a token was not renewed ahead; the next request tries again"
        );
    }
}
