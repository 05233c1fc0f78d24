//! Writing a mail and handing it to the Dapr binding `mail`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use problem::{Problem, Result};
use sidecar::Sidecar;
use tokio::sync::Mutex;

use crate::kind::Kind;

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

impl Mailer {
    pub fn new(sidecar: Sidecar, public_origin: String) -> anyhow::Result<Self> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        // A mail with a gap is worse than a late one.
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for kind in Kind::ALL {
            templates.add_template(kind.name(), kind.template())?;
        }
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
        let text = self.text(kind, facts)?;
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

    fn text(&self, kind: Kind, facts: Value) -> Result<String, minijinja::Error> {
        // Our own, and easier to read and to copy without escapes.
        let origin = Value::from_safe_string((*self.public_origin).to_owned());
        self.templates
            .get_template(kind.name())?
            .render(context! { origin, ..facts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let sidecar = Sidecar::new(1, 1, "a".into(), "b".into()).unwrap();
        Mailer::new(sidecar, "http://pay.example".into()).unwrap()
    }

    #[tokio::test]
    async fn what_users_wrote_is_escaped_in_every_mail() {
        let mailer = mailer();
        for kind in Kind::ALL {
            let facts = context! {
                username => "<b>eve</b>", token => "t", amount => "1.00 EUR", when => "now", other => "<i>mallory</i>",
                transaction_id => "id", device => "<u>browser</u>", locked_until => "later",
            };
            let text = mailer.text(*kind, facts).unwrap();
            assert!(text.contains("&lt;b&gt;eve"), "{text}");
            for raw in ["<b>eve", "<i>mallory", "<u>browser"] {
                assert!(!text.contains(raw), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn a_mail_with_a_gap_is_not_written() {
        let text = mailer().text(Kind::PasswordReset, context! { username => "eve" });
        assert!(text.is_err(), "{text:?}");
    }

    #[tokio::test]
    async fn an_address_can_not_become_two() {
        let sent = mailer()
            .send(Kind::Sent, "a@example.com;b@example.com", context! {})
            .await;
        assert_eq!(sent.unwrap_err().code(), "internal_error");
    }
}
