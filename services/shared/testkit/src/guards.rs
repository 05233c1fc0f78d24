//! A walk through a service's OpenAPI document: each operation says who may call it, and refuses everybody else.
//!
//! `security` of an operation says what its handler's signature asks for: `("bearer" = ["user"])` a role,
//! `("service" = ["<caller>", "<scope>"])` a service; there is none where anybody may call.

mod callers;
mod document;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::forgeries::refuses;
use crate::{Answer, Issuer, call, request};
use document::{Guard, Operation};

/// A service, and what its document can't say.
pub struct Walk<'a> {
    pub router: &'a Router,
    pub issuer: &'a Issuer,
    pub app_id: &'a str,
    /// Its OpenAPI document.
    pub openapi: &'a str,
    /// The operations that anybody may call: `GET /.well-known/jwks.json`.
    pub public: &'a [&'a str],
    /// Something of somebody's for each operation of users that has a parameter in its path.
    pub owned: &'a [Owned<'a>],
}

/// Something that nobody but its owner may know of.
pub struct Owned<'a> {
    /// `GET /accounts/{id}`
    pub operation: &'a str,
    pub owner: Uuid,
    /// What the parameter is in its path.
    pub id: Uuid,
    pub body: Value,
}

impl Walk<'_> {
    /// Shows that each operation refuses who has no token, a wrong one or an old one, or one that does not grant it, and
    /// that what is another's can't be told from what does not exist.
    pub async fn assert_guarded(&self) {
        let operations = document::read(self.openapi);
        assert!(!operations.is_empty(), "the document has no operation");
        let mut wrong = self.misnamed(&operations);
        for operation in &operations {
            wrong.extend(self.walk(operation).await);
        }
        assert!(wrong.is_empty(), "{}: {wrong:#?}", self.app_id);
    }

    /// What the test names and the document does not have.
    fn misnamed(&self, operations: &[Operation]) -> Vec<String> {
        let owned = self.owned.iter().map(|thing| thing.operation);
        let named = self.public.iter().copied().chain(owned);
        named
            .filter(|name| !operations.iter().any(|operation| operation.name() == *name))
            .map(|name| format!("{name} is not in the document"))
            .collect()
    }

    async fn walk(&self, operation: &Operation) -> Vec<String> {
        let name = operation.name();
        let Some(guard) = &operation.guard else {
            let meant = self.public.contains(&name.as_str());
            return if meant {
                vec![]
            } else {
                vec![format!("{name} does not say who may call it")]
            };
        };
        let mut wrong = self.let_in(operation, guard).await;
        if *guard == Guard::Role("user".to_owned()) && operation.has_parameter() {
            wrong.extend(self.told_of_another(operation).await);
        }
        wrong
    }

    /// Who got past the guard, and its rightful caller if not even that one did.
    async fn let_in(&self, operation: &Operation, guard: &Guard) -> Vec<String> {
        let mut wrong = Vec::new();
        for caller in callers::strangers(guard, self.app_id) {
            let token = caller
                .claims
                .map_or_else(String::new, |claims| self.issuer.sign(&claims));
            // Neither body is good: whoever may not call is told so before anything is said of what was sent.
            for body in [Value::Null, json!({ "unexpected": true })] {
                let answer = self.call(operation, &token, &body).await;
                if (answer.status, answer.code()) != caller.refusal {
                    wrong.push(format!("{}, {}: {answer:?}", operation.name(), caller.who));
                }
            }
        }
        let token = self.issuer.sign(&callers::rightful(guard, self.app_id));
        let answer = self.call(operation, &token, &Value::Null).await;
        if refuses(&answer) || answer.status == StatusCode::INTERNAL_SERVER_ERROR {
            wrong.push(format!("{}, its rightful caller: {answer:?}", operation.name()));
        }
        wrong
    }

    async fn call(&self, operation: &Operation, token: &str, body: &Value) -> Answer {
        let path = operation.path_of(Uuid::now_v7());
        call(self.router, request(&operation.method, &path, token, body)).await
    }

    /// What a stranger is told of somebody's thing, if that is not what there is to tell of nothing.
    async fn told_of_another(&self, operation: &Operation) -> Option<String> {
        let name = operation.name();
        let Some(thing) = self.owned.iter().find(|thing| thing.operation == name) else {
            return Some(format!("{name}: the test has to name something of somebody's"));
        };
        let nothing = self
            .ask(operation, Uuid::now_v7(), thing.owner, &thing.body)
            .await;
        let stranger = self.ask(operation, thing.id, Uuid::now_v7(), &thing.body).await;
        let owner = self.ask(operation, thing.id, thing.owner, &thing.body).await;
        let hidden = stranger.status == StatusCode::NOT_FOUND && stranger.json == nothing.json;
        let shown = owner.status.is_success();
        (!hidden || !shown).then(|| {
            format!("{name}: of nothing there is {nothing:?}, a stranger was told {stranger:?}, the owner {owner:?}")
        })
    }

    async fn ask(&self, operation: &Operation, id: Uuid, user: Uuid, body: &Value) -> Answer {
        let token = self.issuer.user_token(user);
        let mut request = request(&operation.method, &operation.path_of(id), &token, body);
        let key = Uuid::now_v7().to_string().parse().expect("a header value");
        request.headers_mut().insert("idempotency-key", key);
        call(self.router, request).await
    }
}
