use chrono::{DateTime, Utc};
use inbox::{Effect, Event, Received};
use money::Money;
use problem::Result;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Due, queue_all};
use crate::AppState;
use crate::facts::Facts;
use crate::kind::Kind;

/// `PAYMENT_REQUEST_CHANGED`, as far as mails tell of it.
#[derive(Deserialize)]
pub struct PaymentRequestChanged {
    payment_request_id: Uuid,
    /// A word, which may be newer than this service.
    state: String,
    requester_user_id: Uuid,
    payer_user_id: Uuid,
    amount: Money,
    expires_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

impl PaymentRequestChanged {
    /// Who is asked hears of it, and who has asked hears of the no and of the time that passed. Of other states nobody is told.
    fn mails(event: &Received<Self>) -> Vec<Due> {
        let changed = &event.data;
        let (user_id, other_user_id, kind) = match changed.state.as_str() {
            "open" => (
                changed.payer_user_id,
                changed.requester_user_id,
                Kind::MoneyRequested,
            ),
            "declined" => (
                changed.requester_user_id,
                changed.payer_user_id,
                Kind::RequestDeclined,
            ),
            "expired" => (
                changed.requester_user_id,
                changed.payer_user_id,
                Kind::RequestExpired,
            ),
            _ => return Vec::new(),
        };
        vec![Due {
            user_id,
            kind,
            facts: Facts {
                at: changed.changed_at,
                payment_request_id: Some(changed.payment_request_id),
                expires_at: Some(changed.expires_at),
                amount: Some(changed.amount),
                other_user_id: Some(other_user_id),
                ..Facts::default()
            },
        }]
    }
}

impl Event for PaymentRequestChanged {
    const TOPIC: &'static str = "PAYMENT_REQUEST_CHANGED";
    const KIND: &'static str = "payme.payment_request.changed.v1";
}

impl Effect<PaymentRequestChanged> for AppState {
    async fn apply(&self, conn: &mut PgConnection, events: &[Received<PaymentRequestChanged>]) -> Result<()> {
        queue_all(conn, events, PaymentRequestChanged::mails).await
    }

    fn applied(&self) {
        self.wake.notify_one();
    }
}
