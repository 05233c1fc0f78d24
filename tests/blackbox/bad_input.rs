//! What a careless or hostile client can send: each gets its own answer, and nothing changes.

use std::sync::Arc;

use anyhow::ensure;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, Person, Stack, euro};
use uuid::Uuid;

use crate::Result;
use crate::money::pair;

fn expect(answer: &Answer, status: u16, code: &str, what: &str) -> Result {
    ensure!(
        answer.status.as_u16() == status && answer.code() == code,
        "{what}: {answer:?}"
    );
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    ensure!(
        header("content-type") == Some("application/problem+json"),
        "{what}: {answer:?}"
    );
    ensure!(
        header("x-content-type-options") == Some("nosniff"),
        "{what}: {answer:?}"
    );
    ensure!(header("cache-control") == Some("no-store"), "{what}: {answer:?}");
    Ok(())
}

pub async fn every_bad_amount_is_refused_and_moves_nothing(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let amounts = [
        json!({ "amount_minor": 1.5, "currency": "EUR" }),
        json!({ "amount_minor": "1", "currency": "EUR" }),
        json!({ "amount_minor": 9_223_372_036_854_775_808_u64, "currency": "EUR" }),
        json!({ "amount_minor": 1, "currency": "XXX" }),
        json!({ "amount_minor": 1, "currency": "euro" }),
        json!({ "amount_minor": 1, "currency": "EUR", "fee": 0 }),
        json!({ "amount_minor": 1 }),
        Value::Null,
    ];
    for amount in amounts {
        let body = json!({ "from_account_id": from, "to_account_id": to, "amount": amount });
        let answer = payer
            .post_with_key("/transactions", &Uuid::new_v4().to_string(), &body)
            .await?;
        expect(&answer, 422, "invalid_request", &amount.to_string())?;
    }
    let transfer =
        |to: &str, amount: Value| json!({ "from_account_id": from, "to_account_id": to, "amount": amount });
    let cases = [
        (
            "more than there is",
            transfer(&to, euro(1_001)),
            422,
            "insufficient_funds",
        ),
        (
            "all the money of the world",
            transfer(&to, euro(i64::MAX)),
            422,
            "insufficient_funds",
        ),
        (
            "another currency",
            transfer(&to, json!({ "amount_minor": 1, "currency": "USD" })),
            422,
            "currency_mismatch",
        ),
        ("to itself", transfer(&from, euro(1)), 422, "same_account"),
        (
            "to an account that is not there",
            transfer(&Uuid::new_v4().to_string(), euro(1)),
            404,
            "account_not_found",
        ),
    ];
    for (what, body, status, code) in cases {
        let answer = payer
            .post_with_key("/transactions", &Uuid::new_v4().to_string(), &body)
            .await?;
        expect(&answer, status, code, what)?;
    }
    ensure!(
        payer.balance().await? == 1_000 && payee.balance().await? == 0,
        "something moved"
    );
    Ok(())
}

pub async fn somebody_elses_account_looks_like_none(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let theft = payee.transfer(&Uuid::new_v4().to_string(), &from, &to, 1).await?;
    expect(
        &theft,
        404,
        "account_not_found",
        "a debit of somebody else's account",
    )?;
    for path in [format!("/accounts/{from}"), format!("/accounts/{from}/entries")] {
        expect(&payee.get(&path).await?, 404, "account_not_found", &path)?;
    }
    let gift = json!({ "account_id": from, "amount": euro(1) });
    let gift = payee
        .post_with_key("/top-ups", &Uuid::new_v4().to_string(), &gift)
        .await?;
    expect(
        &gift,
        404,
        "account_not_found",
        "a top-up of somebody else's account",
    )?;
    let own = payer
        .transfer_until_answered(&Uuid::new_v4().to_string(), &from, &to, 1)
        .await?;
    let stranger = Person::arrive(&stack.origin()).await?;
    let path = format!("/transactions/{}", own.json["id"].as_str().unwrap_or_default());
    expect(
        &stranger.get(&path).await?,
        404,
        "transaction_not_found",
        "somebody else's transaction",
    )?;
    ensure!(payer.balance().await? == 999, "something moved");
    Ok(())
}

pub async fn bad_bodies_have_their_own_codes(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    let post = |content_type: &'static str, body: String| {
        let request = person
            .request(Method::POST, "/transactions")
            .header("idempotency-key", "k");
        person.send(request.header("content-type", content_type).body(body))
    };
    let json = "application/json";
    expect(
        &post(json, "{".into()).await?,
        400,
        "malformed_json",
        "half a body",
    )?;
    expect(
        &post("text/plain", "{}".into()).await?,
        415,
        "unsupported_media_type",
        "not JSON",
    )?;
    expect(
        &post(json, format!("\"{}\"", "x".repeat(70_000))).await?,
        413,
        "body_too_large",
        "a large body",
    )?;
    expect(
        &post(json, "{}".into()).await?,
        422,
        "invalid_request",
        "missing fields",
    )?;
    let unknown = json!({ "username": "x", "password": "y", "admin": true });
    expect(
        &person.post("/auth/login", &unknown).await?,
        422,
        "invalid_request",
        "an unknown field",
    )?;
    expect(
        &person.get("/accounts/not-an-id").await?,
        400,
        "invalid_path",
        "a bad id",
    )?;
    expect(
        &person.get("/activity?limit=many").await?,
        400,
        "invalid_query",
        "a bad limit",
    )?;
    expect(&person.get("/nowhere").await?, 404, "not_found", "no such path")?;
    expect(
        &person.send(person.request(Method::DELETE, "/accounts")).await?,
        405,
        "method_not_allowed",
        "no such method",
    )?;
    let long = "k".repeat(256);
    let body =
        json!({ "from_account_id": Uuid::new_v4(), "to_account_id": Uuid::new_v4(), "amount": euro(1) });
    let answer = person.post_with_key("/transactions", &long, &body).await?;
    expect(&answer, 400, "idempotency_key_invalid", "a long key")?;
    registration_is_checked(&stack).await
}

async fn registration_is_checked(stack: &Stack) -> Result {
    let mut person = Person::stranger(&stack.origin());
    let good = json!({ "username": person.username, "email": person.email, "password": tests::PASSWORD });
    let with = |field: &str, value: &str| {
        let mut body = good.clone();
        body[field] = value.into();
        body
    };
    let long = format!("{}@example.com", "a".repeat(300));
    let weak = "123456789012";
    let answer = person.post("/auth/register", &with("password", weak)).await?;
    expect(&answer, 422, "weak_password", "a password that everybody has")?;
    let cases = [
        ("username", "x"),
        ("username", "no spaces"),
        ("email", "no-at"),
        ("email", &long),
        ("password", "short"),
    ];
    for (field, value) in cases {
        let answer = person.post("/auth/register", &with(field, value)).await?;
        expect(&answer, 422, "invalid_request", &format!("{field}={value}"))?;
    }
    person.register().await?;
    let again = person
        .post("/auth/register", &with("email", "other@example.com"))
        .await?;
    ensure!(
        again.status == StatusCode::CONFLICT,
        "a name that is taken: {again:?}"
    );
    let wrong = json!({ "username": person.username, "password": "not the password" });
    expect(
        &person.post("/auth/login", &wrong).await?,
        401,
        "invalid_credentials",
        "a wrong password",
    )?;
    let nobody = json!({ "username": "nobody-of-that-name", "password": "not the password" });
    expect(
        &person.post("/auth/login", &nobody).await?,
        401,
        "invalid_credentials",
        "an unknown user",
    )
}

pub async fn broken_cookies_and_forged_tokens_are_refused(stack: Arc<Stack>) -> Result {
    let mut person = Person::arrive(&stack.origin()).await?;
    let good = std::mem::take(&mut person.cookie);
    expect(&person.get("/accounts").await?, 401, "not_logged_in", "no cookie")?;
    let (name, value) = good.split_once('=').unwrap_or_default();
    for broken in ["", "x", "%00", &value[1..], &"A".repeat(4_000)] {
        person.cookie = format!("{name}={broken}");
        expect(
            &person.get("/accounts").await?,
            401,
            "invalid_session_cookie",
            broken,
        )?;
    }
    let mut other: Vec<char> = value.chars().collect();
    let middle = other.len() / 2;
    other[middle] = if other[middle] == 'A' { 'B' } else { 'A' };
    person.cookie = format!("{name}={}", other.into_iter().collect::<String>());
    let answer = person.get("/accounts").await?;
    ensure!(
        answer.status == StatusCode::UNAUTHORIZED,
        "a cookie with another key: {answer:?}"
    );
    // A forged token of a client that claims to hold its own.
    person.cookie = String::new();
    let bearer = person
        .request(Method::GET, "/accounts")
        .header("authorization", "Bearer a.b.c");
    expect(
        &person.send(bearer).await?,
        401,
        "invalid_token",
        "a forged token at the gateway",
    )?;
    let direct = reqwest::Client::new()
        .get(stack.url("account", "/accounts"))
        .bearer_auth("a.b.c")
        .send()
        .await?;
    ensure!(
        direct.status() == StatusCode::UNAUTHORIZED,
        "a forged token at the service: {direct:?}"
    );
    person.cookie = good;
    let foreign = person
        .request(Method::GET, "/accounts")
        .header("x-user-id", Uuid::new_v4().to_string());
    expect(
        &person.send(foreign).await?,
        403,
        "user_id_mismatch",
        "somebody else's id",
    )?;
    ensure!(
        person.get("/accounts").await?.status == StatusCode::OK,
        "the good cookie no longer works"
    );
    Ok(())
}

pub async fn a_request_of_another_site_is_refused(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    let client = reqwest::Client::new();
    let url = stack.url("gateway", "/auth/logout");
    let cases = [
        vec![],
        vec![("x-payme-csrf", "1")],
        vec![("x-payme-csrf", "1"), ("origin", "https://evil.example")],
        vec![("x-payme-csrf", "1"), ("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-origin")],
    ];
    for headers in cases {
        let mut request = client.post(&url).header("cookie", &person.cookie);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        expect(
            &person.send(request).await?,
            403,
            "csrf_rejected",
            &format!("{headers:?}"),
        )?;
    }
    ensure!(
        person.get("/auth/session").await?.status == StatusCode::OK,
        "the session is gone"
    );
    let answer = person.post("/auth/logout", &json!({})).await?;
    ensure!(answer.status == StatusCode::NO_CONTENT, "{answer:?}");
    ensure!(
        person.get("/auth/session").await?.status == StatusCode::UNAUTHORIZED,
        "the session goes on"
    );
    Ok(())
}

pub async fn no_internal_route_is_reachable_from_outside(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    for path in [
        "/internal/provision",
        "/internal/postings",
        "/internal/tokens",
        "/events/user-registered",
        "/v1.0/secrets",
    ] {
        expect(&person.post(path, &json!({})).await?, 404, "not_found", path)?;
    }
    let client = reqwest::Client::new();
    for (service, path) in [
        ("account", "/internal/postings"),
        ("user", "/internal/provision"),
        ("auth", "/internal/contacts"),
        ("auth", "/login"),
        ("token-provider", "/internal/tokens"),
        ("activity", "/events/transaction-made"),
        ("email", "/events/user-registered"),
    ] {
        let answer = client
            .post(stack.url(service, path))
            .json(&json!({}))
            .send()
            .await?;
        let status = answer.status().as_u16();
        ensure!(
            [401, 403].contains(&status),
            "{service}{path} answered {status} to an anonymous call"
        );
    }
    Ok(())
}
