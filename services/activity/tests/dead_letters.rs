//! What operators see of events that had no effect, and what they do with them.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::deliver;
use uuid::Uuid;

use crate::support::{app, as_operator, get_as_operator};

const LETTERS: &str = "/admin/activity/dead-letters";

/// An alert that does not say what it is.
fn unreadable() -> Value {
    json!({
        "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.security_alert.raised.v1", "source": "auth",
        "subject": "auth", "time": "2026-01-01T00:00:00Z", "data": { "user_id": Uuid::now_v7() },
    })
}

#[sqlx::test]
async fn a_letter_is_listed_shown_replayed_and_discarded(pool: PgPool) {
    let (router, event) = (app(pool), unreadable());
    for _ in 0..2 {
        let answer = deliver(&router, "/events/security-alert", "from-the-sidecar", &event).await;
        assert_eq!(answer.json["status"], "SUCCESS", "{answer:?}");
    }
    let list = async |query: &str| get_as_operator(&router, &format!("{LETTERS}{query}")).await.json;
    let found = list("?topic=SECURITY_ALERT&state=dead").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let letter = &found["items"][0];
    assert_eq!(letter["event_id"], event["id"]);
    assert!(
        letter.get("payload").is_none() && letter["next_attempt_at"].is_null(),
        "{letter}"
    );
    assert_eq!(list("?state=waiting").await["items"], json!([]));
    assert_eq!(list("?topic=TRANSACTION_MADE").await["items"], json!([]));

    let path = format!("{LETTERS}/{}", letter["id"].as_str().unwrap());
    assert_eq!(get_as_operator(&router, &path).await.json["payload"], event);
    let all = as_operator(&router, "POST", &format!("{LETTERS}/replay?topic=SECURITY_ALERT")).await;
    assert_eq!((all.status.as_u16(), &all.json), (202, &json!({ "replayed": 1 })));
    assert_eq!(
        as_operator(&router, "POST", &format!("{path}/replay"))
            .await
            .status,
        202
    );
    assert_eq!(as_operator(&router, "DELETE", &path).await.status, 204);

    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/replay")),
    ] {
        let answer = as_operator(&router, method, &path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (404, "dead_letter_not_found"),
            "{method}"
        );
    }
}

#[sqlx::test]
async fn a_list_and_a_letter_are_asked_for_in_the_right_form(pool: PgPool) {
    let router = app(pool);
    for (path, code) in [
        ("?state=gone", "invalid_query"),
        ("?limit=201", "invalid_query"),
        ("?order=up", "invalid_query"),
        ("?cursor=n-1-2", "invalid_cursor"),
        ("/one", "invalid_path"),
    ] {
        let answer = get_as_operator(&router, &format!("{LETTERS}{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{path}");
    }
}
