//! The binding `mail` as a sidecar offers it, in memory: the one call of Dapr's gRPC API that this service makes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::post;
use dapr::dapr::proto::runtime::v1::{InvokeBindingRequest, InvokeBindingResponse};
use tonic::server::Grpc;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// Takes all mails until it is closed.
#[derive(Clone, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
    closed: Arc<AtomicBool>,
}

impl Mailbox {
    pub async fn start() -> (Self, u16) {
        let mailbox = Self::default();
        let routes = Router::new()
            .route("/dapr.proto.runtime.v1.Dapr/InvokeBinding", post(invoke))
            .with_state(mailbox.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Server::builder()
            .add_routes(routes.into())
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serving);
        (mailbox, port)
    }

    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// All mails that were taken, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    fn take(&self, request: InvokeBindingRequest) -> Result<InvokeBindingResponse, Status> {
        assert_eq!((&*request.name, &*request.operation), ("mail", "create"));
        if self.closed.load(Ordering::SeqCst) {
            return Err(Status::internal("the SMTP server is away"));
        }
        self.mails.lock().unwrap().push(Mail {
            to: request.metadata["emailTo"].clone(),
            subject: request.metadata["subject"].clone(),
            text: String::from_utf8(request.data).unwrap(),
        });
        Ok(InvokeBindingResponse::default())
    }
}

async fn invoke(State(mailbox): State<Mailbox>, request: Request) -> axum::http::Response<tonic::body::Body> {
    let service = tower::service_fn(move |request: tonic::Request<InvokeBindingRequest>| {
        std::future::ready(mailbox.take(request.into_inner()).map(Response::new))
    });
    Grpc::new(ProstCodec::default()).unary(service, request).await
}
