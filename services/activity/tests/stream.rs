//! The stream of a feed, with a real PostgreSQL and two replicas.

use std::time::Duration;

use activity::live::Live;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::{Value, json};
use server::Background;
use sqlx::PgPool;
use testkit::{Issuer, deliver};
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{app, app_with};

/// A line arrives long before the poll, which is a net only.
const SOON: Duration = Duration::from_secs(10);

struct Stream {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(router: &Router, user_id: Uuid, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get("/activity/stream").header(
            "authorization",
            format!("Bearer {}", Issuer::new().user_token(user_id)),
        );
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().into_data_stream();
        let mut stream = Self {
            body,
            text: String::new(),
        };
        assert!(stream.next().await.unwrap().contains("retry:"));
        stream
    }

    /// The next event as text. None: the stream has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            let bytes = tokio::time::timeout(SOON, self.body.next())
                .await
                .unwrap()?
                .unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Id and transaction of the next line.
    async fn line(&mut self) -> (String, Value) {
        let event = self.next().await.unwrap();
        let field = |name: &str| {
            event
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        assert_eq!(field("event:"), "activity");
        let item: Value = serde_json::from_str(&field("data:")).unwrap();
        (field("id:"), item["data"]["transaction_id"].clone())
    }
}

async fn pay(router: &Router, from: Uuid) -> Value {
    let id = Uuid::now_v7();
    let event = json!({
        "specversion": "1.0", "id": id, "type": "payme.transaction.made.v1", "source": "transaction",
        "subject": id, "time": "2026-01-01T00:00:00Z", "data": {
            "transaction_id": id, "kind": "transfer", "from_account_id": Uuid::now_v7(),
            "to_account_id": Uuid::now_v7(), "from_user_id": from, "to_user_id": Uuid::now_v7(),
            "amount": { "amount_minor": 1250, "currency": "EUR" }, "completed_at": "2026-01-01T00:00:00Z",
        },
    });
    assert_eq!(
        deliver(router, "/events/transaction-made", "from-the-sidecar", &event)
            .await
            .status,
        200
    );
    json!(id)
}

fn live_app(pool: &PgPool) -> (Router, Live) {
    let live = Live::default();
    live.work(&Background::default(), pool.clone());
    (app_with(pool.clone(), live.clone()), live)
}

#[sqlx::test]
async fn a_line_that_another_replica_adds_is_streamed_at_once_to_its_user_only(pool: PgPool) {
    let ((router, _), other, ada) = (live_app(&pool), app(pool.clone()), Uuid::now_v7());
    let before = pay(&other, ada).await;
    let mut stream = Stream::open(&router, ada, None).await;
    pay(&other, Uuid::now_v7()).await;
    let paid = pay(&other, ada).await;
    let (id, transaction) = stream.line().await;
    assert_eq!(transaction, paid, "not the one before, {before}");
    drop(stream);
    let missed = [pay(&other, ada).await, pay(&router, ada).await];
    let mut stream = Stream::open(&router, ada, Some(&id)).await;
    for missed in missed {
        assert_eq!(stream.line().await.1, missed);
    }
}

#[sqlx::test]
async fn nothing_is_missing_or_repeated_however_many_transactions_add_lines_at_once(pool: PgPool) {
    const EACH: usize = 25;
    let ((router, _), other, ada) = (live_app(&pool), app(pool.clone()), Uuid::now_v7());
    let mut stream = Stream::open(&router, ada, None).await;
    let paying = |router: Router| async move {
        let mut paid = Vec::new();
        for _ in 0..EACH {
            paid.push(pay(&router, ada).await);
        }
        paid
    };
    let reading = async {
        let mut seen = Vec::new();
        while seen.len() < 4 * EACH {
            let (id, transaction) = stream.line().await;
            seen.push(transaction);
            // A browser that loses its connection now and then.
            if seen.len() % 7 == 0 {
                stream = Stream::open(&router, ada, Some(&id)).await;
            }
        }
        seen
    };
    let (a, b, c, d, mut seen) = tokio::join!(
        paying(router.clone()),
        paying(router.clone()),
        paying(other.clone()),
        paying(other.clone()),
        reading
    );
    let mut paid = [a, b, c, d].concat();
    let order = |id: &Value| id.to_string();
    paid.sort_by_key(order);
    seen.sort_by_key(order);
    assert_eq!(seen, paid);
}

#[sqlx::test]
async fn a_stream_ends_when_the_service_is_told_to_stop(pool: PgPool) {
    let (router, live) = live_app(&pool);
    let mut stream = Stream::open(&router, Uuid::now_v7(), None).await;
    live.close();
    assert_eq!(stream.next().await, None);
}

#[sqlx::test]
async fn what_is_no_id_of_an_event_is_refused(pool: PgPool) {
    let router = app(pool);
    for bad in ["x", "-1", "1.5"] {
        let request = Request::get("/activity/stream")
            .header(
                "authorization",
                format!("Bearer {}", Issuer::new().user_token(Uuid::now_v7())),
            )
            .header("last-event-id", bad)
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            testkit::call(&router, request).await.code(),
            "invalid_cursor",
            "{bad}"
        );
    }
}
