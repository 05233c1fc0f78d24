//! Money under concurrency.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use reqwest::StatusCode;
use tests::{Person, Stack, eventually, within};
use uuid::Uuid;

use crate::Result;

/// Two people with accounts, the first with `funds`: (payer, payer's account, payee, payee's account).
pub async fn pair(stack: &Stack, funds: i64) -> anyhow::Result<(Person, String, Person, String)> {
    let payer = Person::arrive(&stack.origin()).await?;
    let payee = Person::arrive(&stack.origin()).await?;
    let from = payer.top_up(funds).await?;
    let (to, _) = payee.account().await?;
    Ok((payer, from, payee, to))
}

pub async fn fifty_parallel_debits_spend_no_more_than_there_is(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 500).await?;
    let debits = (0..50).map(|_| {
        let (payer, from, to) = (&payer, &from, &to);
        async move {
            payer
                .transfer_until_answered(&Uuid::new_v4().to_string(), from, to, 100)
                .await
        }
    });
    let answers = try_join_all(debits).await?;
    let done = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    let refused = answers
        .iter()
        .filter(|answer| answer.code() == "insufficient_funds")
        .count();
    ensure!((done, refused) == (5, 45), "{done} done and {refused} refused");
    ensure!(
        payer.balance().await? == 0,
        "the payer has {}",
        payer.balance().await?
    );
    ensure!(
        payee.balance().await? == 500,
        "the payee has {}",
        payee.balance().await?
    );
    Ok(())
}

pub async fn one_key_sent_twenty_times_is_one_transfer(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 1_000).await?;
    let key = Uuid::new_v4().to_string();
    let answers = try_join_all((0..20).map(|_| payer.transfer_until_answered(&key, &from, &to, 10))).await?;
    let first = answers.first().context("no answer")?;
    ensure!(first.status == StatusCode::CREATED, "{first:?}");
    for answer in &answers {
        ensure!(
            (answer.status, &answer.text) == (first.status, &first.text),
            "two answers: {first:?} {answer:?}"
        );
    }
    ensure!(
        payer.balance().await? == 990 && payee.balance().await? == 10,
        "not one transfer"
    );
    Ok(())
}

pub async fn a_key_is_not_taken_for_another_body(stack: Arc<Stack>) -> Result {
    let (payer, from, _, to) = pair(&stack, 1_000).await?;
    let key = Uuid::new_v4().to_string();
    payer.transfer_until_answered(&key, &from, &to, 10).await?;
    let other = payer.transfer_until_answered(&key, &from, &to, 11).await?;
    ensure!(other.status == StatusCode::UNPROCESSABLE_ENTITY, "{other:?}");
    ensure!(other.code() == "idempotency_key_reused", "{other:?}");
    let without = payer
        .post("/transactions", &tests::transfer(&from, &to, 10))
        .await?;
    ensure!(without.code() == "idempotency_key_missing", "{without:?}");
    ensure!(payer.balance().await? == 990, "something moved");
    Ok(())
}

pub async fn every_movement_is_in_the_history_and_the_feed_of_both(stack: Arc<Stack>) -> Result {
    let (payer, from, payee, to) = pair(&stack, 330).await?;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let answer = payer
            .transfer_until_answered(&Uuid::new_v4().to_string(), &from, &to, 100)
            .await?;
        sent.push(
            answer.json["id"]
                .as_str()
                .with_context(|| format!("{answer:?}"))?
                .to_owned(),
        );
    }
    for person in [&payer, &payee] {
        let history = person.get("/transactions").await?;
        for id in &sent {
            ensure!(
                history.text.contains(id.as_str()),
                "{id} is not in {}",
                history.text
            );
            let one = person.get(&format!("/transactions/{id}")).await?;
            ensure!(one.json["state"] == "completed", "{one:?}");
            eventually("the transfer is in the feed", || in_feed_once(person, id)).await?;
        }
    }
    let entries = payer.get(&format!("/accounts/{from}/entries")).await?;
    let amounts: i64 = entries.json["items"]
        .as_array()
        .context("no entries")?
        .iter()
        .filter_map(|entry| entry["amount"]["amount_minor"].as_i64())
        .sum();
    ensure!(
        amounts == 30 && payer.balance().await? == 30,
        "the entries do not add up to the balance: {}",
        entries.text
    );
    Ok(())
}

/// The feeds of all of them come to name each of the transactions, exactly once. What a consumer had in hand when something went away
/// is delivered again after half a minute on the slowest component set.
pub async fn reach_feeds_once(people: &[&Person], transactions: &[String]) -> Result {
    for person in people {
        for id in transactions {
            within(
                Duration::from_secs(90),
                &format!("{id} is in the feed once"),
                || in_feed_once(person, id),
            )
            .await?;
        }
    }
    Ok(())
}

/// `Some` once the feed names the transaction, if it does so exactly once.
pub async fn in_feed_once(person: &Person, transaction_id: &str) -> Option<()> {
    let feed = person.get("/activity?limit=100").await.ok()?;
    (feed.text.matches(transaction_id).count() == 1).then_some(())
}
