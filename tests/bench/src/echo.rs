//! The floor under everything that goes through the gateway's sidecar: a call of an empty route of an app beside another
//! sidecar. Nothing that uses two sidecars could be faster.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::ensure;
use axum::Router;
use axum::routing::get;
use reqwest::Client;
use tests::{Sidecar, Stack, within};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const APP_ID: &str = "echo";
/// Whose configuration its sidecar has.
const LIKE: &str = "account";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Echo {
    /// One per connection, so that none waits for another.
    clients: Vec<Client>,
    url: String,
    api_token: String,
    server: JoinHandle<std::io::Result<()>>,
    _sidecar: Sidecar,
}

impl Echo {
    /// Starts the app and its sidecar, and waits until the gateway's sidecar reaches it.
    pub async fn start(stack: &Stack, connections: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let sidecar = stack.sidecar_for(APP_ID, LIKE, listener.local_addr()?.port())?;
        let router = Router::new()
            .route("/empty", get(async || ()))
            .route("/healthz", get(async || ()));
        let echo = Self {
            clients: (0..connections).map(|_| Client::new()).collect(),
            url: stack.sidecar_url("gateway", "/empty")?,
            api_token: stack.env()["DAPR_API_TOKEN"].clone(),
            server: tokio::spawn(async move { axum::serve(listener, router).await }),
            _sidecar: sidecar,
        };
        within(PATIENCE, "the empty route answers", || async {
            echo.call(0).await.ok()
        })
        .await?;
        Ok(echo)
    }

    /// One call, and its answer.
    pub async fn call(&self, connection: usize) -> anyhow::Result<()> {
        let request = self.clients[connection]
            .get(&self.url)
            .header("dapr-app-id", APP_ID)
            .header("dapr-api-token", &self.api_token);
        let answer = request.send().await?;
        let status = answer.status();
        answer.bytes().await?;
        ensure!(status.is_success(), "the empty route answered {status}");
        Ok(())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.server.abort();
    }
}
