//! The binding `mail` as a sidecar offers it, in memory: the one call of Dapr's gRPC API that this service makes.

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
    /// What most mail programs show.
    pub html: String,
    pub text: String,
}

/// Takes all mails until it is told to refuse them.
#[derive(Clone, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
    refusal: Arc<Mutex<Option<&'static str>>>,
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

    /// From now on each mail is refused with the words of the binding that end so, as by `550 5.1.1 no such user`.
    pub fn refuse(&self, reply: &'static str) {
        *self.refusal.lock().unwrap() = Some(reply);
    }

    pub fn take_all(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// All mails that were taken, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    fn take(&self, request: InvokeBindingRequest) -> Result<InvokeBindingResponse, Status> {
        assert_eq!((&*request.name, &*request.operation), ("mail", "create"));
        if let Some(reply) = *self.refusal.lock().unwrap() {
            return Err(Status::internal(format!(
                "error invoking output binding mail: could not send: {reply}"
            )));
        }
        self.mails.lock().unwrap().push(Mail {
            to: request.metadata["emailTo"].clone(),
            subject: request.metadata["subject"].clone(),
            html: String::from_utf8(request.data).unwrap(),
            text: request.metadata["text"].clone(),
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
