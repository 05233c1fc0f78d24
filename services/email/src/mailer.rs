//! Writing a mail and handing it to the Dapr binding `mail`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use minijinja::{Environment, Value, context};
use problem::{Problem, Result};
use sidecar::Sidecar;
use tokio::sync::Mutex;

const BINDING: &str = "mail";

#[derive(Clone)]
pub struct Mailer {
    sidecar: Sidecar,
    templates: Arc<Environment<'static>>,
    public_origin: Arc<str>,
    /// The SMTP binding of Dapr 1.18 writes the recipient of a request into settings that all requests share, so two
    /// mails at a time could be swapped. It gets one at a time.
    one_at_a_time: Arc<Mutex<()>>,
}

/// A kind of mail: its template and its subject, which never holds anything that a user wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Verification,
    Sent,
    Received,
    ToppedUp,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::ToppedUp => "topped_up",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Verification => "Please verify your email address",
            Self::Sent => "You sent money",
            Self::Received => "You received money",
            Self::ToppedUp => "Your account was topped up",
        }
    }
}

impl Mailer {
    pub fn new(sidecar: Sidecar, public_origin: String) -> anyhow::Result<Self> {
        let mut templates = Environment::new();
        // The ending makes what is put in be escaped.
        templates.add_template("verification.html", include_str!("templates/verification.html"))?;
        templates.add_template("sent.html", include_str!("templates/sent.html"))?;
        templates.add_template("received.html", include_str!("templates/received.html"))?;
        templates.add_template("topped_up.html", include_str!("templates/topped_up.html"))?;
        Ok(Self {
            sidecar,
            templates: Arc::new(templates),
            public_origin: public_origin.into(),
            one_at_a_time: Arc::default(),
        })
    }

    /// Sends one mail to one address.
    pub async fn send(&self, kind: Kind, address: &str, facts: Value) -> Result<()> {
        if address.contains([';', ',', '\r', '\n']) {
            // The binding would take it for several addresses, or for a header.
            return Err(Problem::internal(&"an address is not one address"));
        }
        let template = self.templates.get_template(&format!("{}.html", kind.name()))?;
        let origin = &*self.public_origin;
        let text = template.render(context! { origin, ..facts })?;
        let metadata = HashMap::from([
            ("emailTo".to_owned(), address.to_owned()),
            ("subject".to_owned(), kind.subject().to_owned()),
        ]);
        let _turn = self.one_at_a_time.lock().await;
        self.sidecar
            .bind(BINDING, "create", text.into_bytes(), metadata)
            .await
            .map_err(|error| {
                // What the binding says may repeat the address.
                let code = match error {
                    sidecar::Error::Grpc(status) => status.code().to_string(),
                    other => other.to_string(),
                };
                tracing::warn!(
                    kind = kind.name(),
                    code,
                    "a mail could not be sent; the event comes again"
                );
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "mail_unavailable",
                    "Mail can't be sent right now",
                )
                .retry_after_s(1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_users_wrote_is_escaped_in_every_mail() {
        let sidecar = Sidecar::new(1, 1, "a".into(), "b".into()).unwrap();
        let mailer = Mailer::new(sidecar, "http://pay.example".into()).unwrap();
        for kind in [Kind::Verification, Kind::Sent, Kind::Received, Kind::ToppedUp] {
            let template = mailer
                .templates
                .get_template(&format!("{}.html", kind.name()))
                .unwrap();
            let facts = context! {
                origin => "o", username => "<b>eve</b>", token => "t", amount => "1.00 EUR", when => "now",
                other => "<i>mallory</i>", transaction_id => "id",
            };
            let text = template.render(facts).unwrap();
            assert!(text.contains("&lt;b&gt;eve"), "{text}");
            assert!(!text.contains("<b>eve") && !text.contains("<i>mallory"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_can_not_become_two() {
        let sidecar = Sidecar::new(1, 1, "a".into(), "b".into()).unwrap();
        let mailer = Mailer::new(sidecar, "http://pay.example".into()).unwrap();
        let sent = mailer
            .send(Kind::Sent, "a@example.com;b@example.com", context! {})
            .await;
        assert_eq!(sent.unwrap_err().code(), "internal_error");
    }
}
