//! An event as it is published.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sidecar::Publication;
use uuid::Uuid;

/// What a CloudEvents 1.0 envelope says, with the distributed tracing extension.
pub struct Envelope<'a> {
    pub id: Uuid,
    /// The app-id of the service that tells.
    pub source: &'a str,
    pub kind: &'a str,
    pub subject: &'a str,
    pub data: &'a Value,
    pub traceparent: Option<&'a str>,
    pub occurred_at: DateTime<Utc>,
}

impl Envelope<'_> {
    pub fn publication(&self) -> Publication {
        let mut envelope = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.kind,
            "subject": self.subject,
            "time": self.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "datacontenttype": "application/json",
            "data": self.data,
        });
        if let Some(traceparent) = self.traceparent {
            envelope["traceparent"] = traceparent.into();
            // Dapr's older name for it: where that is missing, daprd writes its own over both.
            envelope["traceid"] = traceparent.into();
        }
        Publication {
            id: self.id.to_string(),
            partition_key: self.subject.to_owned(),
            envelope: envelope.to_string().into_bytes(),
        }
    }
}
