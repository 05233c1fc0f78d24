//! Events of earlier versions are understood as on the day that they were made.

use serde_json::Value;
use sqlx::PgPool;

use crate::support::{app, deliver_earlier, earlier_events, get_as};

const ROUTES: [(&str, &str); 7] = [
    ("USER_REGISTERED", "/events/user-registered"),
    ("USER_LOGGED_IN", "/events/user-logged-in"),
    ("SESSION_REVOKED", "/events/session-revoked"),
    ("SECURITY_ALERT", "/events/security-alert"),
    ("TRANSACTION_MADE", "/events/transaction-made"),
    ("PAYMENT_REQUEST_CHANGED", "/events/payment-request-changed"),
    ("STATEMENT_READY", "/events/statement-ready"),
];

/// Whom it is about, if it is about somebody.
fn owner(event: &Value) -> Option<uuid::Uuid> {
    let data = &event["data"];
    let key = match data["state"].as_str() {
        Some("open" | "cancelled") => "payer_user_id",
        Some(_) => "requester_user_id",
        None if data.get("to_user_id").is_some() => "to_user_id",
        None => "user_id",
    };
    let id = &data[key];
    id.as_str().map(|id| id.parse().unwrap())
}

#[sqlx::test]
async fn every_event_is_in_the_log_and_in_its_owners_feed(pool: PgPool) {
    let router = app(pool.clone());
    let lines = async |user| {
        let feed = get_as(&router, "/activity?limit=200", user).await;
        feed.json["items"].as_array().unwrap().len()
    };
    let mut logged = 0;
    for (topic, path) in ROUTES {
        for event in earlier_events(topic) {
            let owner = owner(&event).unwrap_or_default();
            let before = lines(owner).await;
            deliver_earlier(&router, path, &event).await;
            logged += 1;
            assert_eq!(
                lines(owner).await,
                before + usize::from(!owner.is_nil()),
                "{event}"
            );
        }
    }
    let in_log: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(in_log, logged);
}
