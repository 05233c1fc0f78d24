//! A client that goes away.

use std::time::Duration;

use anyhow::bail;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt;

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_request_whose_client_goes_away_is_done_to_its_end() -> anyhow::Result<()> {
    let (steps, mut seen) = unbounded_channel();
    let (open, gate) = watch::channel(false);
    let handler = async move || {
        steps.send("begun").ok();
        gate.clone().wait_for(|open| *open).await.ok();
        steps.send("done").ok();
    };
    let router = server::bounded(Router::new().route("/", post(handler)));
    // It is dropped in the middle, as a server does with a request whose connection is lost.
    tokio::select! {
        _ = router.oneshot(Request::post("/").body(Body::empty())?) => bail!("it did not wait"),
        begun = timeout(LIMIT, seen.recv()) => assert_eq!(begun?, Some("begun")),
    }
    open.send(true)?;
    assert_eq!(timeout(LIMIT, seen.recv()).await?, Some("done"));
    Ok(())
}
