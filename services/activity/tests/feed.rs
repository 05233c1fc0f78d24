//! The routes, with a real PostgreSQL.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::deliver;
use uuid::Uuid;

use crate::support::{app, get_as};

fn made(transaction_id: Uuid, from: Uuid, to: Uuid) -> Value {
    json!({
        "specversion": "1.0", "id": transaction_id, "type": "payme.transaction.made.v1", "source": "transaction",
        "subject": transaction_id, "time": "2026-01-01T00:00:00Z", "data": {
            "transaction_id": transaction_id, "kind": "transfer", "from_account_id": Uuid::now_v7(),
            "to_account_id": Uuid::now_v7(), "from_user_id": from, "to_user_id": to,
            "amount": { "amount_minor": 1250, "currency": "EUR" }, "completed_at": "2026-01-01T00:00:00Z",
        },
    })
}

const PATH: &str = "/events/transaction-made";
const TOKEN: &str = "from-the-sidecar";

#[sqlx::test]
async fn a_transfer_is_in_both_feeds_once_however_often_it_is_delivered(pool: PgPool) {
    let (router, ada, bob) = (app(pool.clone()), Uuid::now_v7(), Uuid::now_v7());
    let event = made(Uuid::now_v7(), ada, bob);
    let (a, b, c) = tokio::join!(
        deliver(&router, PATH, TOKEN, &event),
        deliver(&router, PATH, TOKEN, &event),
        deliver(&router, PATH, TOKEN, &event),
    );
    for answer in [a, b, c] {
        assert_eq!(
            (answer.status, &answer.json["status"]),
            (StatusCode::OK, &json!("SUCCESS"))
        );
    }
    for (user, kind) in [(ada, "sent"), (bob, "received")] {
        let items = get_as(&router, "/activity", user).await.json["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1);
        assert_eq!(
            (&items[0]["kind"], &items[0]["data"]["amount"]["amount_minor"]),
            (&json!(kind), &json!(1250))
        );
    }
    let logged: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(logged, 1);
}

#[sqlx::test]
async fn the_feed_is_paged_newest_first(pool: PgPool) {
    let (router, ada) = (app(pool), Uuid::now_v7());
    let ids: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for id in &ids {
        deliver(&router, PATH, TOKEN, &made(*id, ada, Uuid::now_v7())).await;
    }
    let mut seen = Vec::new();
    let mut path = "/activity?limit=2".to_owned();
    loop {
        let page = get_as(&router, &path, ada).await.json;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["data"]["transaction_id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/activity?limit=2&cursor={cursor}");
    }
    let back = get_as(&router, &path, ada).await.json;
    let back = back["previous_cursor"].as_str().unwrap();
    let back = get_as(&router, &format!("/activity?limit=2&cursor={back}"), ada)
        .await
        .json;
    let last_but_one: Vec<_> = seen[2..4].to_vec();
    let items = back["items"].as_array().unwrap().iter();
    assert_eq!(
        items
            .map(|item| item["data"]["transaction_id"].clone())
            .collect::<Vec<_>>(),
        last_but_one
    );
    let expected: Vec<Value> = ids.iter().rev().map(|id| json!(id)).collect();
    assert_eq!(seen, expected);
    for bad in ["limit=0", "limit=201", "limit=x", "color=red"] {
        assert_eq!(
            get_as(&router, &format!("/activity?{bad}"), ada).await.code(),
            "invalid_query",
            "{bad}"
        );
    }
    assert_eq!(
        get_as(&router, "/activity?cursor=x", ada).await.code(),
        "invalid_cursor"
    );
}

#[sqlx::test]
async fn what_can_not_be_read_is_a_dead_letter_and_no_line(pool: PgPool) {
    let (router, ada) = (app(pool.clone()), Uuid::now_v7());
    let mut unknown = made(Uuid::now_v7(), ada, ada);
    unknown["type"] = json!("payme.transaction.made.v2");
    let mut broken = made(Uuid::now_v7(), ada, ada);
    broken["data"]["amount"]["amount_minor"] = json!("a lot");
    for event in [unknown, broken] {
        assert_eq!(
            deliver(&router, PATH, TOKEN, &event).await.json["status"],
            "SUCCESS"
        );
    }
    assert_eq!(
        deliver(&router, PATH, "guessed", &made(Uuid::now_v7(), ada, ada))
            .await
            .code(),
        "not_from_sidecar"
    );
    assert_eq!(get_as(&router, "/activity", ada).await.json["items"], json!([]));
    let reasons: Vec<String> = sqlx::query_scalar("SELECT reason FROM dead_letters ORDER BY id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(reasons[0], "unknown kind: payme.transaction.made.v2");
    assert!(reasons[1].starts_with("unreadable: "), "{reasons:?}");
}

#[sqlx::test]
async fn nobody_changes_the_audit_log(pool: PgPool) {
    deliver(
        &app(pool.clone()),
        PATH,
        TOKEN,
        &made(Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()),
    )
    .await;
    for statement in [
        "UPDATE audit_log SET kind = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ] {
        let error = sqlx::query(statement).execute(&pool).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let checked_in = include_str!("../contract/openapi.json");
    assert_eq!(
        activity::openapi().unwrap().trim(),
        checked_in.trim(),
        "run `make contracts`"
    );
}

async fn in_german(router: &axum::Router, path: &str, user_id: Uuid) -> Value {
    let mut request = testkit::request(
        "GET",
        path,
        &testkit::Issuer::new().user_token(user_id),
        &Value::Null,
    );
    let header = axum::http::HeaderValue::from_static("de-AT, en;q=0.5");
    request.headers_mut().insert("accept-language", header);
    testkit::call(router, request).await.json
}

#[sqlx::test]
async fn each_line_says_what_happened_in_the_readers_language(pool: PgPool) {
    let (router, ada) = (app(pool), Uuid::now_v7());
    deliver(&router, PATH, TOKEN, &made(Uuid::now_v7(), ada, Uuid::now_v7())).await;
    let line = get_as(&router, "/activity", ada).await.json["items"][0].clone();
    assert_eq!(
        (&line["title"], &line["text"]),
        (&json!("Money sent"), &json!("You sent 12.50 EUR."))
    );
    let line = in_german(&router, "/activity", ada).await["items"][0].clone();
    assert_eq!(line["text"], "Sie haben 12,50 EUR gesendet.");
}

/// An event as its publisher sends it.
fn event(kind: &str, data: &Value) -> Value {
    json!({ "specversion": "1.0", "id": Uuid::now_v7(), "type": kind, "source": "test", "subject": "test",
            "time": "2026-01-01T00:00:00Z", "data": data })
}

#[sqlx::test]
async fn a_statement_is_a_line_that_names_the_month(pool: PgPool) {
    let (router, ada, account) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    let euro = |amount| json!({ "amount_minor": amount, "currency": "EUR" });
    for month in ["2026-03", "2026-13"] {
        let ready = event(
            "payme.statement.ready.v1",
            &json!({ "user_id": ada, "account_id": account, "month": month, "opening": euro(-5), "closing": euro(1250) }),
        );
        deliver(&router, "/events/statement-ready", TOKEN, &ready).await;
    }
    let lines = get_as(&router, "/activity?kind=statement_ready", ada).await.json["items"].clone();
    let texts = [&lines[0]["text"], &lines[1]["text"]];
    // Whoever sent that: the line is there, and says what it can.
    assert_eq!(
        texts,
        [
            "Your account statement for 2026-13 is ready.",
            "Your account statement for March 2026 is ready."
        ]
    );
    let data =
        json!({ "account_id": account, "month": "2026-03", "opening": euro(-5), "closing": euro(1250) });
    assert_eq!(lines[1]["data"], data);
    let lines = in_german(&router, "/activity", ada).await["items"].clone();
    assert_eq!(lines[1]["text"], "Ihr Kontoauszug für März 2026 ist da.");
}

#[sqlx::test]
async fn each_party_of_a_request_for_money_sees_what_the_other_did_and_both_see_its_end(pool: PgPool) {
    let (router, ada, bob) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    for state in ["open", "declined", "cancelled", "expired", "of_next_year"] {
        let changed = event(
            "payme.payment_request.changed.v1",
            &json!({
                "payment_request_id": Uuid::now_v7(), "state": state, "requester_user_id": ada, "payer_user_id": bob,
                "amount": { "amount_minor": 1250, "currency": "EUR" }, "expires_at": "2026-01-15T00:00:00Z",
                "changed_at": "2026-01-01T00:00:00Z",
            }),
        );
        deliver(&router, "/events/payment-request-changed", TOKEN, &changed).await;
    }
    for (user, texts) in [
        (
            ada,
            vec![
                "A request for 12.50 EUR has expired.",
                "Your request for 12.50 EUR was declined.",
            ],
        ),
        (
            bob,
            vec![
                "A request for 12.50 EUR has expired.",
                "A request for 12.50 EUR was taken back.",
                "You are asked for 12.50 EUR.",
            ],
        ),
    ] {
        let feed = get_as(&router, "/activity", user).await.json;
        let items = feed["items"].as_array().unwrap().iter();
        assert_eq!(items.map(|item| &item["text"]).collect::<Vec<_>>(), texts);
    }
}

#[sqlx::test]
async fn the_feed_is_filtered_by_kind_and_time(pool: PgPool) {
    let (router, ada, bob) = (app(pool), Uuid::now_v7(), Uuid::now_v7());
    let mut early = made(Uuid::now_v7(), ada, bob);
    early["time"] = json!("2025-01-01T00:00:00Z");
    for event in [
        early,
        made(Uuid::now_v7(), ada, bob),
        made(Uuid::now_v7(), bob, ada),
    ] {
        deliver(&router, PATH, TOKEN, &event).await;
    }
    for (query, count) in [
        ("kind=sent", 2),
        ("kind=received", 1),
        ("from=2025-06-01T00:00:00Z", 2),
        ("before=2025-06-01T00:00:00Z", 1),
        ("before=2025-06-01T00:00:00Z&kind=received", 0),
    ] {
        let page = get_as(&router, &format!("/activity?{query}"), ada).await.json;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}
