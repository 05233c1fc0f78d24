//! What operators rely on: probes, metrics, logs, traces, and a clean stop.

use std::sync::Arc;

use anyhow::{Context, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tests::{Person, Stack, eventually};
use uuid::Uuid;

use crate::Result;
use crate::money::pair;

const SERVICES: [&str; 8] = [
    "gateway",
    "auth",
    "token-provider",
    "user",
    "account",
    "transaction",
    "email",
    "activity",
];

pub async fn probes_metrics_and_logs_are_there(stack: Arc<Stack>) -> Result {
    let client = Client::new();
    for service in SERVICES {
        for path in ["/healthz", "/readyz"] {
            let status = client.get(stack.url(service, path)).send().await?.status();
            ensure!(status == StatusCode::OK, "{service}{path}: {status}");
        }
        let metrics = client
            .get(stack.url(service, "/metrics"))
            .send()
            .await?
            .text()
            .await?;
        ensure!(
            metrics.contains("http_request_duration_seconds_count"),
            "{service} has no request metric"
        );
        for line in stack.log_of(service).await?.lines() {
            let line: Value =
                serde_json::from_str(line).with_context(|| format!("{service} logged: {line}"))?;
            ensure!(
                line["timestamp"].is_string() && line["level"].is_string(),
                "{service}: {line}"
            );
        }
    }
    Ok(())
}

pub async fn logs_hold_no_secret_and_no_personal_data(stack: Arc<Stack>) -> Result {
    let person = Person::arrive(&stack.origin()).await?;
    eventually("the verification mail", || async {
        stack.mails_to(&person.email).ok().filter(|mail| !mail.is_empty())
    })
    .await?;
    let cookie = person.cookie.split_once('=').context("no cookie")?.1.to_owned();
    let secrets = [
        person.username,
        person.email,
        cookie,
        tests::PASSWORD.to_owned(),
        "eyJ".to_owned(),
    ];
    for service in SERVICES {
        for log in [service.to_owned(), format!("{service}-sidecar")] {
            let text = stack.log_of(&log).await?;
            for secret in &secrets {
                ensure!(!text.contains(secret.as_str()), "the log of {log} holds {secret}");
            }
        }
    }
    Ok(())
}

pub async fn a_trace_runs_from_the_gateway_to_the_consumer(stack: Arc<Stack>) -> Result {
    let (payer, from, _, to) = pair(&stack, 100).await?;
    let trace_id = Uuid::new_v4().simple().to_string();
    let request = payer
        .request(Method::POST, "/transactions")
        .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-00"))
        .header("idempotency-key", Uuid::new_v4().to_string())
        .json(&tests::transfer(&from, &to, 1));
    let answer = payer.send(request).await?;
    ensure!(answer.status == StatusCode::CREATED, "{answer:?}");
    for service in ["gateway", "transaction", "account", "activity", "email"] {
        eventually(&format!("{service} logs the trace"), || async {
            stack
                .log_of(service)
                .await
                .ok()?
                .contains(&trace_id)
                .then_some(())
        })
        .await?;
    }
    Ok(())
}

pub async fn a_service_drains_when_it_is_told_to_stop(stack: Arc<Stack>) -> Result {
    for service in SERVICES {
        let status = stack.terminate(service)?;
        ensure!(status.success(), "{service} ended with {status}");
        let log = stack.log_of(service).await?;
        ensure!(
            log.trim_end()
                .lines()
                .last()
                .is_some_and(|line| line.contains("\"stopped\"")),
            "{service} did not say so"
        );
    }
    for service in SERVICES {
        stack.start_again(service)?;
    }
    stack.ready().await
}
