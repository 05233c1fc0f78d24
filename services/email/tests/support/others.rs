//! The services that this one asks, in the place of its sidecar: an Auth and a User that know two people.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ALICE, BOB};

#[derive(Clone, Default)]
pub struct Others(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    asked: Vec<String>,
    away: Vec<&'static str>,
    without_mail: Vec<(Uuid, &'static str)>,
    language: Option<&'static str>,
    erased: Vec<Uuid>,
    taken_by: Option<&'static str>,
}

impl Others {
    pub async fn start() -> (Self, u16) {
        let others = Self::default();
        let router = Router::new().fallback(answer).with_state(others.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (others, port)
    }

    /// From now on this service answers nothing.
    pub fn away(&self, app_id: &'static str) {
        self.0.lock().unwrap().away.push(app_id);
    }

    pub fn back(&self) {
        self.0.lock().unwrap().away.clear();
    }

    /// Everybody reads this language.
    pub fn language(&self, tag: &'static str) {
        self.0.lock().unwrap().language = Some(tag);
    }

    pub fn erased(&self, user_id: Uuid) {
        self.0.lock().unwrap().erased.push(user_id);
    }

    /// The user does not want mails of this kind of event.
    pub fn without_mail(&self, user_id: Uuid, kind: &'static str) {
        self.0.lock().unwrap().without_mail.push((user_id, kind));
    }

    /// The address of whoever registers is that of this account.
    pub fn taken_by(&self, username: &'static str) {
        self.0.lock().unwrap().taken_by = Some(username);
    }

    /// What was asked: `auth /internal/contacts`.
    pub fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }
}

async fn answer(
    State(others): State<Others>,
    headers: HeaderMap,
    uri: Uri,
    Json(body): Json<Value>,
) -> Response {
    let mut said = others.0.lock().unwrap();
    let app_id = headers["dapr-app-id"].to_str().unwrap();
    assert_eq!(headers["authorization"], "Bearer outbound");
    said.asked.push(format!("{app_id} {}", uri.path()));
    if said.away.contains(&app_id) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match (app_id, uri.path()) {
        ("auth", "/internal/contacts") => contacts(&said, &body).into_response(),
        ("auth", "/internal/email-verifications") => verification(&said, &body),
        ("auth", "/internal/password-resets") => password_reset(&body),
        ("user", "/internal/preferences") => preferences(&said, &body).into_response(),
        other => panic!("nobody answers {other:?}"),
    }
}

fn known(body: &Value) -> Vec<(Uuid, &'static str)> {
    let ids: Vec<Uuid> = serde_json::from_value(body["user_ids"].clone()).unwrap();
    let people = [(ALICE, "alice"), (BOB, "bob")];
    people.into_iter().filter(|(id, _)| ids.contains(id)).collect()
}

fn contacts(said: &Said, body: &Value) -> Json<Value> {
    let contact = |(id, name)| json!({ "user_id": id, "username": name, "email": format!("{name}@example.com"), "verified": id == ALICE });
    let items: Vec<_> = known(body)
        .into_iter()
        .filter(|(id, _)| !said.erased.contains(id))
        .map(contact)
        .collect();
    Json(json!({ "items": items }))
}

fn verification(said: &Said, body: &Value) -> Response {
    if body["user_id"] != json!(ALICE) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut answer = json!({ "username": "alice", "email": "alice@example.com", "token": "good-for-a-day", "expires_at": null });
    if let Some(owner) = said.taken_by {
        answer["token"] = Value::Null;
        answer["taken_by"] = json!(owner);
    }
    Json(answer).into_response()
}

/// Only Alice has verified her address.
fn password_reset(body: &Value) -> Response {
    if body["user_id"] != json!(ALICE) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({ "username": "alice", "email": "alice@example.com", "token": "good-for-minutes", "expires_at": "2026-01-01T00:30:00Z" }))
        .into_response()
}

/// As of somebody who has changed nothing but what a test says.
fn preferences(said: &Said, body: &Value) -> Json<Value> {
    let channels = |user_id, kind| {
        if said.without_mail.contains(&(user_id, kind)) {
            json!([])
        } else {
            json!(["email"])
        }
    };
    let item = |(id, _)| {
        json!({ "user_id": id, "language": said.language.unwrap_or("en"), "time_zone": "Etc/UTC", "notifications": {
            "money_sent": channels(id, "money_sent"), "money_received": channels(id, "money_received"),
            "payment_requests": channels(id, "payment_requests"), "statement": channels(id, "statement"),
            "topped_up": channels(id, "topped_up"), "new_device_login": channels(id, "new_device_login"),
        }})
    };
    let items: Vec<_> = known(body).into_iter().map(item).collect();
    Json(json!({ "items": items }))
}
