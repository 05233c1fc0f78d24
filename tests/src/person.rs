//! A person with a browser: speaks to the gateway only, keeps the session cookie, sends what a page of ours sends.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Replica, within};

pub const PASSWORD: &str = "correct horse battery staple";

#[derive(Clone)]
pub struct Person {
    http: Client,
    /// Where requests go: the origin, or one replica behind it.
    url: String,
    origin: String,
    pub username: String,
    pub email: String,
    /// `name=value` of the session's cookie.
    pub cookie: String,
    /// `name=value` of the cookie by which this browser is known.
    pub device: String,
    pub user_id: Uuid,
}

/// A whole answer, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// `null` where the body is no JSON.
    pub json: Value,
}

impl Answer {
    /// The stable code of a problem, or an empty text.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

impl Person {
    /// Somebody who has not registered yet, under a name that nobody else has.
    pub fn stranger(origin: &str) -> Self {
        let unique = Uuid::new_v4().simple().to_string();
        let username = format!("p{}", &unique[..12]);
        Self {
            http: Client::new(),
            url: origin.to_owned(),
            origin: origin.to_owned(),
            email: format!("{username}@example.com"),
            username,
            cookie: String::new(),
            device: String::new(),
            user_id: Uuid::nil(),
        }
    }

    /// Registers and logs in.
    pub async fn arrive(origin: &str) -> anyhow::Result<Self> {
        let mut person = Self::stranger(origin);
        person.register().await?;
        person.log_in().await?;
        Ok(person)
    }

    pub async fn register(&mut self) -> anyhow::Result<()> {
        let body = json!({ "username": self.username, "email": self.email, "password": PASSWORD });
        let answer = self.post("/auth/register", &body).await?;
        ensure!(answer.status == StatusCode::CREATED, "register: {answer:?}");
        self.user_id = answer.json["user_id"].as_str().context("no user_id")?.parse()?;
        Ok(())
    }

    /// Logs in and keeps the cookies; gives the answer.
    pub async fn log_in(&mut self) -> anyhow::Result<Answer> {
        self.log_in_with(PASSWORD, &json!({})).await
    }

    /// As [`Person::log_in`], with another password and further members of the body.
    pub async fn log_in_with(&mut self, password: &str, more: &Value) -> anyhow::Result<Answer> {
        let answer = self.try_log_in(password, more).await?;
        ensure!(answer.status == StatusCode::OK, "login: {answer:?}");
        let mut cookies = answer.headers.get_all("set-cookie").iter();
        let mut next = || -> anyhow::Result<String> {
            let cookie = cookies.next().context("a cookie is missing")?.to_str()?;
            Ok(cookie.split(';').next().unwrap_or_default().to_owned())
        };
        (self.cookie, self.device) = (next()?, next()?);
        Ok(answer)
    }

    /// A login that may fail.
    pub async fn try_log_in(&self, password: &str, more: &Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "username": self.username, "password": password });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.post("/auth/login", &body).await
    }

    /// The same person at a browser that nobody knows.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self {
            cookie: String::new(),
            device: String::new(),
            ..self.clone()
        }
    }

    /// The same browser, whose requests another replica gets.
    #[must_use]
    pub fn through(&self, replica: &Replica) -> Self {
        Self {
            url: replica.url(),
            ..self.clone()
        }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// As an app calls, which has a token or nothing, and never a cookie.
    pub async fn native(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .json(body);
        let request = if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        };
        self.send(request).await
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(
            self.request(Method::POST, path)
                .header("idempotency-key", key)
                .json(body),
        )
        .await
    }

    /// A request as our own page sends it; a test may bend it before [`Person::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("origin", &self.origin)
            .header("x-payme-csrf", "1");
        let cookies = [&self.cookie, &self.device].map(String::as_str);
        let cookies: Vec<_> = cookies.into_iter().filter(|cookie| !cookie.is_empty()).collect();
        if cookies.is_empty() {
            request
        } else {
            request.header("cookie", cookies.join("; "))
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            text,
            json,
        })
    }

    /// The first account, and its balance in minor units.
    pub async fn account(&self) -> anyhow::Result<(String, i64)> {
        let answer = self.get("/accounts").await?;
        let account = &answer.json["items"][0];
        let id = account["id"]
            .as_str()
            .with_context(|| format!("no account: {answer:?}"))?;
        Ok((
            id.to_owned(),
            account["balance_minor"].as_i64().context("no balance")?,
        ))
    }

    pub async fn balance(&self) -> anyhow::Result<i64> {
        Ok(self.account().await?.1)
    }

    /// Puts money on the first account and gives its id.
    pub async fn top_up(&self, amount_minor: i64) -> anyhow::Result<String> {
        let (account_id, _) = self.account().await?;
        let body = json!({ "account_id": account_id, "amount": euro(amount_minor) });
        let key = Uuid::new_v4().to_string();
        let answer = self.post_until_answered("/top-ups", &key, &body).await?;
        ensure!(answer.status == StatusCode::CREATED, "top-up: {answer:?}");
        ensure!(answer.json["state"] == "completed", "top-up: {answer:?}");
        Ok(account_id)
    }

    /// Sends a transfer; a repeat with the same key is the same transfer.
    pub async fn transfer(
        &self,
        key: &str,
        from: &str,
        to: &str,
        amount_minor: i64,
    ) -> anyhow::Result<Answer> {
        self.post_with_key("/transactions", key, &transfer(from, to, amount_minor))
            .await
    }

    /// As [`Person::transfer`], until its final answer is there.
    pub async fn transfer_until_answered(
        &self,
        key: &str,
        from: &str,
        to: &str,
        amount_minor: i64,
    ) -> anyhow::Result<Answer> {
        self.post_until_answered("/transactions", key, &transfer(from, to, amount_minor))
            .await
    }

    /// As a good client does: the same request under the same key until its final answer is there.
    pub async fn post_until_answered(&self, path: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
        within(
            Duration::from_mins(1),
            &format!("a final answer to {path}"),
            || async {
                // A connection that breaks while a service is killed is one more reason to ask again.
                let answer = self.post_with_key(path, key, body).await.ok()?;
                let unknown = answer.status == StatusCode::CONFLICT || answer.status.is_server_error();
                (!unknown).then_some(answer)
            },
        )
        .await
    }
}

/// The body of a transfer.
pub fn transfer(from: &str, to: &str, amount_minor: i64) -> Value {
    json!({ "from_account_id": from, "to_account_id": to, "amount": euro(amount_minor) })
}

pub fn euro(amount_minor: i64) -> Value {
    json!({ "amount_minor": amount_minor, "currency": "EUR" })
}
