//! `SECURITY_ALERT`, about what only the gateway sees. It has no database to keep an event in, so one is lost when the
//! broker is away; the metric counts it in any case.

use std::num::NonZeroU32;
use std::sync::Arc;

use alert::{Alert, Kind};
use chrono::Utc;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use outbox::Event;
use sidecar::Sidecar;
use uuid::Uuid;

use crate::APP_ID;

/// One of a kind about one user is news; a flood of them would only hide others.
const PER_HOUR: NonZeroU32 = NonZeroU32::new(12).unwrap();

#[derive(Clone)]
pub struct Alerts {
    sidecar: Sidecar,
    news: Arc<DefaultKeyedRateLimiter<(Kind, Option<Uuid>)>>,
}

impl Alerts {
    pub fn new(sidecar: Sidecar) -> Self {
        let quota = Quota::per_hour(PER_HOUR).allow_burst(NonZeroU32::MIN);
        Self {
            sidecar,
            news: Arc::new(RateLimiter::keyed(quota)),
        }
    }

    /// Nobody waits for it.
    pub fn raise(&self, alert: Alert) {
        if self.news.check_key(&(alert.kind, alert.user_id)).is_err() {
            return;
        }
        let sidecar = self.sidecar.clone();
        tokio::spawn(async move {
            if let Err(error) = publish(&sidecar, &alert).await {
                tracing::warn!(%error, kind = ?alert.kind, "an alert could not be published");
            }
        });
    }

    pub fn forget_quiet(&self) {
        self.news.retain_recent();
    }
}

async fn publish(sidecar: &Sidecar, alert: &Alert) -> anyhow::Result<()> {
    let subject = alert
        .user_id
        .map_or_else(|| APP_ID.to_owned(), |user_id| user_id.to_string());
    let event = Event::new(alert::TOPIC, alert::KIND, subject, alert, Utc::now())?;
    outbox::publish_now(sidecar, APP_ID, &event).await?;
    Ok(())
}
