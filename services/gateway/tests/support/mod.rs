//! A gateway in this process. In the place of its sidecar: services that answer as a test says, and a state store in memory.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};
use gateway::config::Config;
use gateway::domain::network::Proxies;
use gateway::domain::session::{Entry, SessionCookie};
use gateway::{AppState, Pepper};
use serde_json::{Value, json};
use sidecar::Sidecar;
use testkit::{Answer, Issuer, call};
use uuid::Uuid;

pub use store::Store;

pub const ORIGIN: &str = "https://pay.example";
const PEPPER: &str = "cGVwcGVyLXBlcHBlci1wZXBwZXItcGVwcGVyLTAxMjM";

/// What arrived at a service.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST auth /login`
    pub call: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Respond = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// All services. A call that no test has given an answer to is answered as by daprd when the service is away.
#[derive(Clone, Default)]
pub struct Services {
    answers: Arc<Mutex<HashMap<String, Respond>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Services {
    async fn start() -> (Self, u16) {
        let services = Self::default();
        let router = Router::new().fallback(respond).with_state(services.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (services, port)
    }

    pub fn on<R: IntoResponse>(&self, call: &str, respond: impl Fn(&Seen) -> R + Send + Sync + 'static) {
        self.on_bare(call, move |seen| with_length(respond(seen).into_response()));
    }

    /// An answer without the length that each of our services says.
    pub fn on_bare<R: IntoResponse>(&self, call: &str, respond: impl Fn(&Seen) -> R + Send + Sync + 'static) {
        let respond: Respond = Arc::new(move |seen| respond(seen).into_response());
        self.answers.lock().unwrap().insert(call.to_owned(), respond);
    }

    /// From now on this call is answered as by daprd when the service is away.
    pub fn away(&self, call: &str) {
        self.answers.lock().unwrap().remove(call);
    }

    pub fn seen(&self, call: &str) -> Vec<Seen> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.retain(|seen| seen.call == call);
        seen
    }
}

async fn respond(State(services): State<Services>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let service = parts.headers["dapr-app-id"].to_str().unwrap().to_owned();
    let seen = Seen {
        call: format!("{} {service} {}", parts.method, parts.uri),
        headers: parts.headers,
        body: to_bytes(body, 1 << 20).await.unwrap().to_vec(),
    };
    services.seen.lock().unwrap().push(seen.clone());
    let answer = services.answers.lock().unwrap().get(&seen.call).cloned();
    match answer {
        Some(answer) => answer(&seen),
        None => daprd_fails(),
    }
}

fn with_length(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response
            .headers_mut()
            .entry("payme-body-bytes")
            .or_insert(length.into());
    }
    response
}

/// What daprd 1.18 says when the service is away.
pub fn daprd_fails() -> Response {
    let text = "failed to invoke, id: account, err: couldn't find service: account";
    let body = Json(json!({ "errorCode": "ERR_DIRECT_INVOKE", "message": text }));
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}

pub fn problem(status: u16, code: &str) -> Response {
    let body = json!({ "type": format!("/errors/{code}"), "status": status, "code": code }).to_string();
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/problem+json")], body).into_response()
}

pub struct Gateway {
    pub router: Router,
    pub services: Services,
    pub store: Store,
    pub user_id: Uuid,
    ports: (u16, u16),
}

impl Gateway {
    /// With an Auth that lets everybody in as the same user.
    pub async fn start() -> Self {
        let (services, http_port) = Services::start().await;
        let (store, grpc_port) = Store::start().await;
        let user_id = Uuid::now_v7();
        services.on("POST auth /login", move |_| {
            let mut body = access(user_id, "token-of-login", 600);
            body["first_login"] = false.into();
            Json(body)
        });
        services.on("POST auth /sessions/end", |_| StatusCode::NO_CONTENT);
        services.on("GET account /accounts", |_| Json(json!({ "items": [] })));
        services.on("POST auth /sessions/renew", move |_| {
            Json(access(user_id, "token-of-renewal", 600))
        });
        let ports = (http_port, grpc_port);
        Self {
            router: replica(ports),
            services,
            store,
            user_id,
            ports,
        }
    }

    /// Another replica, with the same services and the same store.
    pub fn replica(&self) -> Router {
        replica(self.ports)
    }

    /// Another replica, whose configuration a test bends.
    pub fn replica_with(&self, bend: impl FnOnce(&mut Config)) -> Router {
        replica_with(self.ports, bend)
    }

    /// As an app or a script calls: no cookie, and nothing that only a browser says.
    pub async fn native(&self, method: &str, token: &str, path: &str, body: &Value) -> Answer {
        call(&self.router, testkit::request(method, path, token, body)).await
    }

    /// The alerts that were raised, as (kind, user).
    pub fn alerts(&self) -> Vec<(String, Value)> {
        let published = self.store.published.lock().unwrap().clone();
        let alert = |(topic, envelope): (String, Value)| {
            assert_eq!(
                (topic.as_str(), &envelope["source"]),
                ("SECURITY_ALERT", &json!("gateway"))
            );
            let data = &envelope["data"];
            (data["kind"].as_str().unwrap().to_owned(), data["user_id"].clone())
        };
        published.into_iter().map(alert).collect()
    }

    /// Logs in; the value of `Cookie` in the requests that follow.
    pub async fn log_in(&self) -> String {
        let body = json!({ "username": "alice", "password": "right" });
        let answer = self.post("", "/auth/login", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        cookie_of(&answer)
    }

    pub async fn get(&self, cookie: &str, path: &str) -> Answer {
        call(&self.router, request("GET", cookie, path, &[], Body::empty())).await
    }

    /// As a page of ours posts.
    pub async fn post(&self, cookie: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("origin", ORIGIN),
            ("x-payme-csrf", "1"),
            ("content-type", "application/json"),
        ];
        self.send("POST", cookie, path, &headers, body.to_string()).await
    }

    pub async fn send(
        &self,
        method: &str,
        cookie: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        call(&self.router, request(method, cookie, path, headers, body.into())).await
    }

    /// Puts an entry into the cache as if it had been put there a while ago.
    pub fn age(&self, cookie: &str, cached_s_ago: i64, token_ends_in_s: i64, session_ends_in_s: i64) {
        let cookie = SessionCookie::parse(cookie.split_once('=').unwrap().1).unwrap();
        let at = |seconds| Utc::now() + TimeDelta::seconds(seconds);
        let entry = Entry {
            user_id: self.user_id,
            session_id: Uuid::now_v7(),
            access_token: "token-of-login".into(),
            cached_at: at(-cached_s_ago),
            access_expires_at: at(token_ends_in_s),
            session_expires_at: at(session_ends_in_s),
        };
        let value = Pepper::parse(PEPPER).unwrap().seal(&cookie, &entry).unwrap();
        self.store
            .entries
            .lock()
            .unwrap()
            .get_mut(&cookie.cache_key())
            .expect("the session's entry")
            .value = value;
    }

    /// The tokens with which a service was called.
    pub fn tokens(&self, call: &str) -> Vec<String> {
        let token = |seen: Seen| seen.headers["authorization"].to_str().unwrap().to_owned();
        self.services.seen(call).into_iter().map(token).collect()
    }
}

fn replica(ports: (u16, u16)) -> Router {
    replica_with(ports, |_| ())
}

fn replica_with((http_port, grpc_port): (u16, u16), bend: impl FnOnce(&mut Config)) -> Router {
    let sidecar = Sidecar::new(http_port, grpc_port, "api".into(), "app".into()).unwrap();
    let mut config = Config {
        public_origin: ORIGIN.into(),
        proxies: Proxies::default(),
        rate_limit_factor: 1,
        namespace: "default".into(),
    };
    bend(&mut config);
    let pepper = Pepper::parse(PEPPER).unwrap();
    let state = AppState::new(sidecar, Issuer::new().identity("gateway"), pepper, config);
    server::bounded(gateway::app(state))
}

pub fn request(
    method: &str,
    cookie: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// `name=value` of the cookie that an answer sets.
pub fn cookie_of(answer: &Answer) -> String {
    let header = answer.headers["set-cookie"].to_str().unwrap();
    header.split(';').next().unwrap().to_owned()
}

/// Whether an answer makes the browser forget its session.
pub fn forgets(answer: &Answer) -> bool {
    answer.headers.get("set-cookie").is_some_and(|header| {
        header.to_str().unwrap().contains("sid=; ") && header.to_str().unwrap().contains("Max-Age=0")
    })
}

/// What Auth answers to a login and a renewal.
pub fn access(user_id: Uuid, token: &str, token_ends_in_s: i64) -> Value {
    let at = |seconds| Utc::now() + TimeDelta::seconds(seconds);
    json!({ "user_id": user_id, "session_id": Uuid::now_v7(), "access_token": token,
        "access_expires_at": at(token_ends_in_s), "session_expires_at": at(28_800) })
}

/// Waits until a condition holds, for a few seconds at most.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

/// Something in the store.
pub fn entry(value: &[u8]) -> store::Entry {
    store::Entry {
        value: value.to_vec(),
        ttl_s: 60,
    }
}

/// Every event of a topic that was ever published, as tests/contracts/events keeps them.
pub fn earlier_events(topic: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contracts/events");
    let files = std::fs::read_dir(format!("{folder}/{topic}")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let events: Vec<Value> = texts.map(|text| serde_json::from_str(&text).unwrap()).collect();
    assert!(!events.is_empty());
    events
}

/// Delivers an event that is understood.
pub async fn deliver_earlier(router: &Router, path: &str, event: &Value) {
    let answer = testkit::deliver(router, path, "app", event).await;
    assert_eq!(answer.json["status"], "SUCCESS", "{event}: {answer:?}");
}
