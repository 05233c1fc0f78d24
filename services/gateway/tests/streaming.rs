//! Answers that do not end by themselves.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::IntoResponse;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde_json::json;
use testkit::deliver;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{Gateway, problem, request};

const CALL: &str = "GET activity.default /activity/stream";

/// What the service of the returned sender sends, as it arrives at a browser.
async fn open(gateway: &Gateway, cookie: &str) -> (UnboundedSender<&'static str>, BodyDataStream) {
    let (sender, receiver) = unbounded_channel::<&'static str>();
    let receiver = Mutex::new(Some(receiver));
    gateway.services.on(CALL, move |_| {
        let pieces = unfold(receiver.lock().unwrap().take().unwrap(), async |mut receiver| {
            Some((Ok::<_, std::io::Error>(receiver.recv().await?), receiver))
        });
        ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
    });
    let headers = [("last-event-id", "7"), ("accept", "text/event-stream")];
    let request = request("GET", cookie, "/activity/stream", &headers, Body::empty());
    let response = gateway.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    (sender, response.into_body().into_data_stream())
}

async fn next(body: &mut BodyDataStream) -> Option<String> {
    let piece = tokio::time::timeout(Duration::from_secs(30), body.next())
        .await
        .unwrap()?;
    Some(String::from_utf8(piece.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn each_piece_of_a_stream_is_passed_on_as_it_comes() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let (service, mut browser) = open(&gateway, &cookie).await;
    for piece in ["id: 8\n\n", ": still here\n\n"] {
        service.send(piece).unwrap();
        assert_eq!(next(&mut browser).await.unwrap(), piece);
    }
    drop(service);
    assert_eq!(next(&mut browser).await, None);
    let seen = &gateway.services.seen(CALL)[0];
    assert_eq!(seen.headers["last-event-id"], "7");
    assert_eq!(seen.headers["authorization"], "Bearer token-of-login");
    // Asked for an event stream by name, a sidecar gives every answer that type, also a refusal.
    assert_eq!(seen.headers["accept"], "*/*");
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_session() {
    let gateway = Gateway::start().await;
    let cookie = gateway.log_in().await;
    let (service, mut browser) = open(&gateway, &cookie).await;
    service.send("id: 8\n\n").unwrap();
    assert!(next(&mut browser).await.is_some());
    let session = gateway.get(&cookie, "/auth/session").await.json;
    let revoked = json!({ "specversion": "1.0", "id": Uuid::now_v7(), "type": "payme.session.revoked.v1", "source": "auth",
        "subject": "a", "time": "2026-01-01T00:00:00Z",
        "data": { "user_id": gateway.user_id, "session_id": session["session_id"], "reason": "logout" } });
    let answer = deliver(&gateway.router, "/events/session-revoked", "app", &revoked).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(next(&mut browser).await, None);
    drop(service);
}

#[tokio::test]
async fn nobody_has_a_stream_without_a_session_and_a_refusal_is_passed_on() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.get("", "/activity/stream").await.code(), "not_logged_in");
    let cookie = gateway.log_in().await;
    assert_eq!(
        gateway.get(&cookie, "/activity/stream").await.code(),
        "service_unavailable"
    );
    gateway.services.on(CALL, |_| problem(429, "too_many_streams"));
    assert_eq!(
        gateway.get(&cookie, "/activity/stream").await.code(),
        "too_many_streams"
    );
}
