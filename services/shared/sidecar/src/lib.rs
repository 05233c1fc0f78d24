//! The service's own Dapr sidecar: calls to other services, state, secrets, bindings and topics.
//!
//! Calls go over plain HTTP, so that status, headers and trace context survive; everything else goes through
//! the `dapr` crate's generated gRPC client, which tells a conflict from an outage by its `tonic::Status`.
//! Components are known by their logical names only: `pubsub`, `statestore`, `secretstore`, `mail`.

mod state;

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use dapr::dapr::proto::runtime::v1 as api;
use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use problem::Problem;
use reqwest::Method;
use telemetry::TraceContext;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

type Grpc = DaprClient<InterceptedService<Channel, ApiToken>>;

const PUBSUB: &str = "pubsub";
const SECRETS: &str = "secretstore";
/// Longer than Dapr's own resiliency policies, so that theirs decide.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle on the sidecar; clones share its connections.
#[derive(Clone)]
pub struct Sidecar {
    base_url: String,
    http: reqwest::Client,
    grpc: Grpc,
    api_token: String,
    app_token: String,
}

/// What the environment has to say for a service to find its sidecar.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    #[error("the environment variable {0} has the wrong form")]
    Malformed(&'static str),
    #[error("the HTTP client could not be built: {0}")]
    Client(#[from] reqwest::Error),
}

/// A call to the sidecar did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the sidecar answered {:?}: {}", .0.code(), .0.message())]
    Grpc(#[from] Box<tonic::Status>),
    #[error("{0} of the published events were refused")]
    PartlyPublished(usize),
    #[error("the secret {0} has no value")]
    NoSecret(String),
    #[error("the sidecar was not ready within {0:?}")]
    NotReady(Duration),
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Self::Grpc(Box::new(status))
    }
}

/// One event to publish: a whole CloudEvents 1.0 JSON envelope.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The event's own id, by which consumers tell a repeat.
    pub id: String,
    /// Events of one key keep their order where the broker can.
    pub partition_key: String,
    pub envelope: Vec<u8>,
}

impl Sidecar {
    /// Reads `DAPR_HTTP_PORT`, `DAPR_GRPC_PORT`, `DAPR_API_TOKEN` and `APP_API_TOKEN`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let var = |name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or(ConfigError::Missing(name))
        };
        let port = |name| {
            var(name)?
                .parse::<u16>()
                .map_err(|_| ConfigError::Malformed(name))
        };
        Self::new(
            port("DAPR_HTTP_PORT")?,
            port("DAPR_GRPC_PORT")?,
            var("DAPR_API_TOKEN")?,
            var("APP_API_TOKEN")?,
        )
    }

    /// `api_token` is what we show to the sidecar; `app_token` is what it shows to us.
    pub fn new(
        http_port: u16,
        grpc_port: u16,
        api_token: String,
        app_token: String,
    ) -> Result<Self, ConfigError> {
        let token: MetadataValue<Ascii> = api_token
            .parse()
            .map_err(|_| ConfigError::Malformed("DAPR_API_TOKEN"))?;
        let channel = Endpoint::try_from(format!("http://127.0.0.1:{grpc_port}"))
            .map_err(|_| ConfigError::Malformed("DAPR_GRPC_PORT"))?
            .timeout(CALL_TIMEOUT)
            .connect_lazy();
        Ok(Self {
            base_url: format!("http://127.0.0.1:{http_port}"),
            http: reqwest::Client::builder()
                .timeout(CALL_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()?,
            grpc: DaprClient::with_interceptor(channel, ApiToken(token)),
            api_token,
            app_token,
        })
    }

    /// A request to another service; `path` starts with a slash. The caller adds body and authorization.
    pub fn request(&self, method: Method, app_id: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base_url))
            .header("dapr-app-id", app_id)
            .header("dapr-api-token", &self.api_token);
        match TraceContext::current() {
            Some(trace) => request.header("traceparent", trace.to_string()),
            None => request,
        }
    }

    /// All values of a secret.
    pub async fn secret(&self, name: &str) -> Result<HashMap<String, String>, Error> {
        let request = api::GetSecretRequest {
            store_name: SECRETS.into(),
            key: name.into(),
            metadata: HashMap::new(),
        };
        Ok(self.grpc().get_secret(request).await?.into_inner().data)
    }

    /// The one value of a secret, under the name `value`; under the secret's own in a store whose secrets have but one.
    pub async fn secret_value(&self, name: &str) -> Result<String, Error> {
        let mut values = self.secret(name).await?;
        let value = values.remove("value").or_else(|| values.remove(name));
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| Error::NoSecret(name.to_owned()))
    }

    /// Asks an output binding to do `operation`.
    pub async fn bind(
        &self,
        binding: &str,
        operation: &str,
        data: Vec<u8>,
        metadata: HashMap<String, String>,
    ) -> Result<(), Error> {
        let request = api::InvokeBindingRequest {
            name: binding.into(),
            data,
            metadata,
            operation: operation.into(),
        };
        self.grpc().invoke_binding(request).await?;
        Ok(())
    }

    /// Publishes all events or says how many the broker refused; a repeat of an accepted one is harmless,
    /// since consumers dedupe by id.
    pub async fn publish(&self, topic: &str, events: Vec<Publication>) -> Result<(), Error> {
        let entries = events
            .into_iter()
            .map(|event| api::BulkPublishRequestEntry {
                entry_id: event.id,
                event: event.envelope,
                content_type: "application/cloudevents+json".into(),
                metadata: HashMap::from([("partitionKey".into(), event.partition_key)]),
            })
            .collect();
        let request = api::BulkPublishRequest {
            pubsub_name: PUBSUB.into(),
            topic: topic.into(),
            entries,
            metadata: HashMap::new(),
        };
        let failed = self
            .grpc()
            .bulk_publish_event(request)
            .await?
            .into_inner()
            .failed_entries;
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Error::PartlyPublished(failed.len()))
        }
    }

    /// Whether the sidecar can reach its components. It does not ask about this app, which would be a circle.
    pub async fn ready(&self) -> bool {
        let url = format!("{}/v1.0/healthz/outbound", self.base_url);
        let answer = self
            .http
            .get(url)
            .header("dapr-api-token", &self.api_token)
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Waits for a sidecar that is still starting; bind the app's port before, since it waits for that.
    pub async fn wait(&self) -> Result<(), Error> {
        const LIMIT: Duration = Duration::from_mins(1);
        const PAUSE: Duration = Duration::from_millis(50);
        let poll = async {
            while !self.ready().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LIMIT, poll)
            .await
            .map_err(|_| Error::NotReady(LIMIT))
    }

    fn grpc(&self) -> Grpc {
        self.grpc.clone()
    }
}

/// Middleware for the routes of events: only the own sidecar, which knows `APP_API_TOKEN`, may deliver.
pub async fn only_from_sidecar(
    State(sidecar): State<Sidecar>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let shown = request
        .headers()
        .get("dapr-api-token")
        .map(axum::http::HeaderValue::as_bytes);
    if shown.is_some_and(|shown| verify_slices_are_equal(shown, sidecar.app_token.as_bytes()).is_ok()) {
        return Ok(next.run(request).await);
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "not_from_sidecar",
        "Only the sidecar may call this route",
    ))
}

#[derive(Clone)]
struct ApiToken(MetadataValue<Ascii>);

impl tonic::service::Interceptor for ApiToken {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("dapr-api-token", self.0.clone());
        Ok(request)
    }
}
