//! What holds for every event, with a real PostgreSQL.

use serde_json::json;
use sqlx::PgPool;
use testkit::deliver;

use crate::support::{ALERT, ALICE, BOB, Email, MADE, REGISTERED, alert, made, registered};

#[sqlx::test]
async fn what_can_not_be_read_is_a_dead_letter_and_strangers_are_refused(pool: PgPool) {
    let email = Email::start(pool).await;
    for (path, event) in [
        (REGISTERED, registered(ALICE)),
        (MADE, made(None, BOB)),
        (ALERT, alert("password_changed", Some(ALICE))),
    ] {
        let mut unknown = event.clone();
        unknown["type"] = json!("payme.something.else.v2");
        let mut broken = event.clone();
        broken["data"] = json!({ "kind": 1, "user_id": "alice" });
        for event in [unknown, broken] {
            assert_eq!(email.deliver(path, &event).await.json["status"], "SUCCESS");
        }
        assert_eq!(
            deliver(&email.router, path, "guessed", &event).await.code(),
            "not_from_sidecar"
        );
    }
    assert!(email.mailbox.mails().is_empty());
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let checked_in = include_str!("../contract/openapi.json");
    assert_eq!(
        email::openapi().unwrap().trim(),
        checked_in.trim(),
        "run `make contracts`"
    );
}
