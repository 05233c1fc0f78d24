//! The routes at which the sidecar delivers: Dapr's subscriptions over HTTP, in bulk or not.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sidecar::{Sidecar, only_from_sidecar};
use telemetry::{TraceContext, in_trace};
use tracing::Span;

use crate::Inbox;
use crate::consumer::{Consume, Failure};
use crate::letters::{self, Letter};
use crate::received::id_of;

/// A hundred events, as the subscriptions ask for, of which each is far smaller than the 4 MiB that a broker may take.
const LARGEST_BYTES: usize = 16 * 1024 * 1024;

/// The events of one request.
pub struct Delivery {
    /// None in a delivery that is an event by itself.
    entry_ids: Option<Vec<String>>,
    events: Vec<Value>,
}

/// What a subscription delivers, by whether it is one in bulk.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Bulk { entries: Vec<Entry> },
    One(Value),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "entryId")]
    id: String,
    event: Value,
}

/// Says that the event or each of the entries is done: what could not take effect is kept here, so nobody has to keep it for us.
#[derive(Serialize)]
#[serde(untagged)]
enum Done {
    Bulk { statuses: Vec<Status> },
    One { status: &'static str },
}

#[derive(Serialize)]
struct Status {
    #[serde(rename = "entryId")]
    id: String,
    status: &'static str,
}

impl Delivery {
    /// Reads the body, whatever its content type says.
    pub async fn read(request: Request) -> Result<Self> {
        let body = to_bytes(request.into_body(), LARGEST_BYTES)
            .await
            .map_err(|error| Problem::internal(&error))?;
        let body: Body = serde_json::from_slice(&body).map_err(|error| Problem::internal(&error))?;
        Ok(match body {
            Body::Bulk { entries } => {
                let entries = entries.into_iter().map(|entry| (entry.id, entry.event));
                let (ids, events) = entries.unzip();
                Self {
                    entry_ids: Some(ids),
                    events,
                }
            }
            Body::One(event) => Self {
                entry_ids: None,
                events: vec![event],
            },
        })
    }

    /// `CloudEvents`; of a topic of dead letters, whose messages may be anything, each message in Base64.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// The answer that all of it is done with.
    #[must_use]
    pub fn done(self) -> Response {
        let status = "SUCCESS";
        let done = match self.entry_ids {
            Some(ids) => Done::Bulk {
                statuses: ids.into_iter().map(|id| Status { id, status }).collect(),
            },
            None => Done::One { status },
        };
        Json(done).into_response()
    }

    /// The trace of its first event. The sidecar sends none with a delivery unless it traces itself, so the envelope's own is
    /// used (CloudEvents' distributed tracing extension).
    fn trace(&self) -> Option<TraceContext> {
        let traceparent = self.events.first()?["traceparent"].as_str()?;
        Some(TraceContext::following(traceparent))
    }
}

/// Makes of routes such that only the own sidecar may call.
pub fn trusted<S: Clone + Send + Sync + 'static>(routes: Router<S>, sidecar: &Sidecar) -> Router<S> {
    routes.layer(from_fn_with_state(sidecar.clone(), only_from_sidecar))
}

impl Inbox {
    /// `POST /events/<topic>` for each topic, in lower case with hyphens, and `…/dead-letters` for what the sidecar could
    /// not deliver there.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self, sidecar: &Sidecar) -> Router<S> {
        let mut routes = Router::new();
        for consumer in &self.consumers {
            let path = format!("/events/{}", consumer.topic().to_lowercase().replace('_', "-"));
            let (inbox, taker) = (self.clone(), consumer.clone());
            let deliver = async move |request: Request| inbox.deliver(&*taker, request).await;
            let (inbox, topic) = (self.clone(), consumer.topic());
            let bury = async move |request: Request| inbox.keep_undelivered(topic, request).await;
            routes = routes
                .route(&path, post(deliver))
                .route(&format!("{path}/dead-letters"), post(bury));
        }
        trusted(routes, sidecar)
    }

    async fn deliver(&self, consumer: &dyn Consume, request: Request) -> Result<Response> {
        let delivery = Delivery::read(request).await?;
        let work = self.take_all(consumer, delivery.events());
        match delivery.trace() {
            None => work.await?,
            Some(trace) => {
                Span::current().record("trace_id", trace.trace_id());
                in_trace(trace, work).await?;
            }
        }
        Ok(delivery.done())
    }

    /// All events in one transaction or, if that fails, each in its own.
    async fn take_all(&self, consumer: &dyn Consume, events: &[Value]) -> Result<()> {
        match (self.take(consumer, events).await, events) {
            (Ok(()), _) => Ok(()),
            (Err(failure), [event]) => self.put_aside(consumer.topic(), event, &failure).await,
            (Err(_), _) => {
                for event in events {
                    if let Err(failure) = self.take(consumer, std::slice::from_ref(event)).await {
                        self.put_aside(consumer.topic(), event, &failure).await?;
                    }
                }
                Ok(())
            }
        }
    }

    async fn take(&self, consumer: &dyn Consume, events: &[Value]) -> Result<(), Failure> {
        let mut tx = self.pool.begin().await?;
        consumer.take(&mut tx, events).await?;
        tx.commit().await?;
        consumer.committed();
        Ok(())
    }

    /// If the database is down, this fails too, and the sidecar delivers the event again.
    async fn put_aside(&self, topic: &'static str, event: &Value, failure: &Failure) -> Result<()> {
        let event_id = id_of(event);
        tracing::error!(
            topic,
            ?event_id,
            lasts = failure.lasts(),
            "an event had no effect; put aside"
        );
        let letter = Letter {
            event_id,
            topic,
            payload: event.to_string().into_bytes(),
            reason: failure.to_string(),
            again: !failure.lasts(),
        };
        letters::put_aside(&mut *self.pool.acquire().await?, &letter).await?;
        Ok(())
    }

    /// What the sidecar gave up to deliver: that we were down is no reason to lose it, so it is tried again from here.
    async fn keep_undelivered(&self, topic: &'static str, request: Request) -> Result<Response> {
        let delivery = Delivery::read(request).await?;
        let mut conn = self.pool.acquire().await?;
        for event in delivery.events() {
            let payload = match event {
                Value::String(text) => BASE64_STANDARD
                    .decode(text)
                    .unwrap_or_else(|_| text.clone().into_bytes()),
                other => other.to_string().into_bytes(),
            };
            let event_id = serde_json::from_slice(&payload).ok().as_ref().and_then(id_of);
            tracing::error!(topic, ?event_id, "an event could not be delivered; put aside");
            let letter = Letter {
                event_id,
                topic,
                payload,
                reason: "the sidecar could not deliver it".to_owned(),
                again: true,
            };
            letters::put_aside(&mut conn, &letter).await?;
        }
        Ok(delivery.done())
    }
}
