//! Events that are bad, that somebody else publishes, and that the broker has lost.

use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Person, Stack, eventually};
use uuid::Uuid;

use crate::Result;
use crate::money::{in_feed_once, pair, reach_feeds_once};

const TOPIC: &str = "TRANSACTION_MADE";
const CONSUMERS: [&str; 2] = ["activity", "email"];

/// What the sidecar of `app` answers to an event for a topic.
async fn publish(
    stack: &Stack,
    app: &str,
    topic: &str,
    content_type: &str,
    body: String,
) -> anyhow::Result<StatusCode> {
    let url = stack.sidecar_url(app, &format!("/v1.0/publish/pubsub/{topic}"))?;
    let token = stack.env().get("DAPR_API_TOKEN").context("no token")?;
    let request = reqwest::Client::new().post(url).header("dapr-api-token", token);
    let request = request.header("content-type", content_type).body(body);
    Ok(request.send().await?.status())
}

fn envelope(id: Uuid, kind: &str, data: &Value) -> String {
    json!({
        "specversion": "1.0", "id": id, "source": "transaction", "type": kind, "subject": id,
        "time": "2026-11-24T11:52:06Z", "datacontenttype": "application/json", "data": data,
    })
    .to_string()
}

/// Somebody who may see dead letters.
pub async fn operator(stack: &Stack) -> anyhow::Result<Person> {
    let mut operator = Person::arrive(&stack.origin()).await?;
    stack.command("auth", &["admin", "grant", &operator.username, "operator"])?;
    // The role is in the next access token.
    operator.log_in().await?;
    Ok(operator)
}

pub async fn what_can_not_take_effect_is_kept_for_an_operator_and_holds_nothing_up(
    stack: Arc<Stack>,
) -> Result {
    let (payer, from, payee, to) = pair(&stack, 100).await?;
    let operator = operator(&stack).await?;
    let made = "payme.transaction.made.v1";
    let long = "x".repeat(200_000);
    let bad = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    for (id, kind, data) in [
        (bad[0], made, json!({ "transaction_id": "none", "amount": -1 })),
        (
            bad[1],
            "payme.transaction.made.v99",
            json!({ "what": "is to come" }),
        ),
        (bad[2], made, json!({ "transaction_id": long })),
    ] {
        let body = envelope(id, kind, &data);
        let status = publish(&stack, "transaction", TOPIC, "application/cloudevents+json", body).await?;
        ensure!(status.is_success(), "{id} was not published: {status}");
    }
    let status = publish(
        &stack,
        "transaction",
        TOPIC,
        "text/plain",
        "not even an event".to_owned(),
    )
    .await?;
    ensure!(status.is_success(), "the text was not published: {status}");

    let answer = payer.transfer(&Uuid::new_v4().to_string(), &from, &to, 1).await?;
    let transaction = answer.json["id"].as_str().context("no transaction")?;
    for person in [&payer, &payee] {
        eventually("the transfer is in the feed", || {
            in_feed_once(person, transaction)
        })
        .await?;
    }
    for consumer in CONSUMERS {
        let path = format!("/admin/{consumer}/dead-letters");
        let mine = eventually(&format!("{consumer} has kept all four"), || async {
            let letters = operator.get(&format!("{path}?topic={TOPIC}")).await.ok()?;
            let letters = letters.json["items"].as_array()?.clone();
            (letters.len() == bad.len() + 1).then_some(letters)
        })
        .await?;
        for id in bad {
            let letter = mine.iter().find(|letter| letter["event_id"] == json!(id));
            let letter = letter.with_context(|| format!("{consumer} has not kept {id}: {mine:?}"))?;
            ensure!(
                letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
                "{letter}"
            );
        }
        for letter in &mine {
            let id = letter["id"].as_str().context("no id")?;
            let shown = operator.get(&format!("{path}/{id}")).await?;
            ensure!(
                !shown.json["payload"].is_null(),
                "{consumer} shows no payload of {id}"
            );
            let discarded = operator.delete(&format!("{path}/{id}")).await?;
            ensure!(discarded.status.is_success(), "{discarded:?}");
        }
    }
    Ok(())
}

pub async fn an_app_publishes_only_what_is_its_own(stack: Arc<Stack>) -> Result {
    for (app, topic) in [
        ("email", TOPIC),
        ("auth", TOPIC),
        ("transaction", "USER_REGISTERED"),
        ("activity", "SESSION_REVOKED"),
    ] {
        let id = Uuid::now_v7();
        let body = envelope(id, "payme.transaction.made.v1", &json!({}));
        let status = publish(&stack, app, topic, "application/cloudevents+json", body).await?;
        ensure!(
            status == StatusCode::FORBIDDEN,
            "{app} published to {topic}: {status}"
        );
    }
    Ok(())
}

pub async fn a_broker_that_has_lost_everything_gets_it_again(stack: Arc<Stack>) -> Result {
    // Early enough for what was under way before this test.
    let since = (Utc::now() - TimeDelta::minutes(1)).to_rfc3339();
    let (payer, from, payee, to) = pair(&stack, 100).await?;
    for consumer in CONSUMERS {
        stack.kill(consumer)?;
    }
    let mut transactions = Vec::new();
    for _ in 0..10 {
        let answer = payer.transfer(&Uuid::new_v4().to_string(), &from, &to, 1).await?;
        transactions.push(answer.json["id"].as_str().context("no transaction")?.to_owned());
    }
    eventually("the broker has them", || nothing_to_publish(&stack)).await?;
    stack.infra().wipe("broker").await?;
    stack.infra().start("broker").await?;
    for consumer in CONSUMERS {
        stack.start_again(consumer)?;
    }
    stack.ready().await?;
    for publisher in ["auth", "account", "transaction"] {
        stack.command(publisher, &["publish-again", &since])?;
    }
    reach_feeds_once(&[&payer, &payee], &transactions).await?;
    // All subscriptions go on, not only those of who was away.
    let person = Person::arrive(&stack.origin()).await?;
    eventually("a welcome by mail", || async {
        let mails = stack.mails_to(&person.email).ok()?;
        (!mails.is_empty()).then_some(())
    })
    .await
}

async fn nothing_to_publish(stack: &Stack) -> Option<()> {
    let metrics = reqwest::get(stack.url("transaction", "/metrics")).await.ok()?;
    let metrics = metrics.text().await.ok()?;
    metrics
        .lines()
        .any(|line| line == "outbox_lag_seconds 0")
        .then_some(())
}
