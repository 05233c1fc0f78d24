//! A state store and a broker as a sidecar offers them, in memory: the few calls of Dapr's gRPC API that the gateway makes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use dapr::dapr::proto::common::v1::state_options::StateConcurrency;
use dapr::dapr::proto::runtime::v1::{
    BulkPublishRequest, BulkPublishResponse, DeleteStateRequest, GetStateRequest, GetStateResponse,
    SaveStateRequest,
};
use serde_json::Value;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::transport::Server;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, Default)]
pub struct Store {
    pub entries: Arc<Mutex<HashMap<String, Entry>>>,
    /// What was published, as (topic, envelope).
    pub published: Arc<Mutex<Vec<(String, Value)>>>,
    pub down: Arc<AtomicBool>,
}

#[derive(Clone, PartialEq)]
pub struct Entry {
    pub value: Vec<u8>,
    pub ttl_s: i64,
}

impl Store {
    pub async fn start() -> (Self, u16) {
        let store = Self::default();
        let routes = store.clone().routes();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Server::builder()
            .add_routes(routes.into())
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
        tokio::spawn(serving);
        (store, port)
    }

    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The entries of sessions, whose keys have no prefix.
    pub fn sessions(&self) -> Vec<(String, Entry)> {
        let entries = self.entries.lock().unwrap().clone();
        entries
            .into_iter()
            .filter(|(key, _)| !key.contains(':'))
            .collect()
    }

    fn routes(self) -> Router {
        let (get, save, delete, broker) = (self.clone(), self.clone(), self.clone(), self);
        let path = |method| format!("/dapr.proto.runtime.v1.Dapr/{method}");
        Router::new()
            .route(
                &path("GetState"),
                post(async move |request| unary(request, move |message| get.get(&message)).await),
            )
            .route(
                &path("SaveState"),
                post(async move |request| unary(request, move |message| save.save(message)).await),
            )
            .route(
                &path("DeleteState"),
                post(async move |request| unary(request, move |message| delete.delete(&message)).await),
            )
            .route(
                &path("BulkPublishEvent"),
                post(async move |request| unary(request, move |message| broker.publish(message)).await),
            )
    }

    fn up(&self) -> Result<(), Status> {
        if self.down.load(Ordering::SeqCst) {
            Err(Status::internal("the store is down"))
        } else {
            Ok(())
        }
    }

    fn get(&self, request: &GetStateRequest) -> Result<GetStateResponse, Status> {
        self.up()?;
        let entries = self.entries.lock().unwrap();
        Ok(GetStateResponse {
            data: entries
                .get(&request.key)
                .map(|entry| entry.value.clone())
                .unwrap_or_default(),
            ..GetStateResponse::default()
        })
    }

    fn save(&self, request: SaveStateRequest) -> Result<(), Status> {
        self.up()?;
        let mut entries = self.entries.lock().unwrap();
        for item in request.states {
            let create = item.options.is_some_and(|options| {
                options.concurrency == i32::from(StateConcurrency::ConcurrencyFirstWrite)
            });
            if create && entries.contains_key(&item.key) {
                return Err(Status::aborted("etag mismatch"));
            }
            let ttl_s = item.metadata["ttlInSeconds"].parse().unwrap();
            let entry = Entry {
                value: item.value,
                ttl_s,
            };
            entries.insert(item.key, entry);
        }
        Ok(())
    }

    fn publish(&self, request: BulkPublishRequest) -> Result<BulkPublishResponse, Status> {
        self.up()?;
        let envelope = |event: Vec<u8>| serde_json::from_slice(&event).unwrap();
        let topic = request.topic;
        let events = request.entries.into_iter();
        self.published
            .lock()
            .unwrap()
            .extend(events.map(|entry| (topic.clone(), envelope(entry.event))));
        Ok(BulkPublishResponse::default())
    }

    fn delete(&self, request: &DeleteStateRequest) -> Result<(), Status> {
        self.up()?;
        self.entries.lock().unwrap().remove(&request.key);
        Ok(())
    }
}

async fn unary<In, Out>(
    request: Request,
    answer: impl Fn(In) -> Result<Out, Status> + Clone + Send + Sync + 'static,
) -> axum::http::Response<Body>
where
    In: prost::Message + Default + Send + 'static,
    Out: prost::Message + Default + Send + 'static,
{
    let service = tower::service_fn(move |request: tonic::Request<In>| {
        let answer = answer(request.into_inner()).map(Response::new);
        std::future::ready(answer)
    });
    Grpc::new(ProstCodec::default()).unary(service, request).await
}
