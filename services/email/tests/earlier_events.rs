//! Events of earlier versions are understood as on the day that they were made.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{ALERT, ALICE, Email, MADE, READY, REGISTERED, REQUESTED, earlier_events};

/// Delivers all events of a topic; each that is about Alice brings a mail, unless `silent` says otherwise.
async fn deliver_all(email: &Email, topic: &str, path: &str, silent: impl Fn(&Value) -> bool) {
    for event in earlier_events(topic) {
        let before = email.mailbox.mails().len();
        let after = email.mails_after(path, &event).await.len();
        assert_eq!(after == before, silent(&event["data"]), "{event}");
    }
}

#[sqlx::test]
async fn every_registration_and_every_movement_brings_its_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    // Auth gives nobody but Alice a token here.
    deliver_all(&email, "USER_REGISTERED", REGISTERED, |data| {
        data["user_id"] != json!(ALICE)
    })
    .await;
    deliver_all(&email, "TRANSACTION_MADE", MADE, |_| false).await;
    deliver_all(&email, "PAYMENT_REQUEST_CHANGED", REQUESTED, |data| {
        data["state"] == "cancelled"
    })
    .await;
    deliver_all(&email, "STATEMENT_READY", READY, |_| false).await;
}

#[sqlx::test]
async fn every_alert_to_a_user_brings_its_mail(pool: PgPool) {
    let email = Email::start(pool).await;
    let for_operators = ["credential_stuffing", "user_id_mismatch", "csrf_rejected"];
    deliver_all(&email, "SECURITY_ALERT", ALERT, |data| {
        for_operators.iter().any(|kind| data["kind"] == *kind)
    })
    .await;
}
